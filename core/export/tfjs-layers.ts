import { bytesView, utf8 } from '../encoding/bytes.ts'
import { canonicalJsonOfDefined } from '../encoding/canonical-json.ts'
import { ParleyError } from '../errors/index.ts'
import { dataEnds } from '../plan/data.ts'
import { checkWeights, type ExportInput, type ModelFile, type WeightsInput } from './exported.ts'
import { givenTopology } from './given-topology.ts'
import type { ExportedTopology } from './keras.ts'
import { layersOf } from './layer-order.ts'
import { shortFormTopology } from './short-form.ts'

/** The names of the files of a TF.js layers model. */
export const tfjsFiles = { model: 'model.json', weights: 'weights.bin' } as const

/**
 * A model in the format of TF.js layers: `tf.loadLayersModel` reads it. Its outputs are probabilities: `[rows, 1]` of the
 * positive class of a binary label, else `[rows, classes]`; of a numeric label `[rows, 1]` in its own unit, which may lie outside of
 * its range. The same model gives the same bytes.
 *
 * `weights.bin` is the flat vector as it is. Throws `tensors.malformed` when weights and layout do not go together,
 * `engine.model-unsupported` when layout and model do not.
 */
export function tfjsLayersModel(input: WeightsInput): readonly ModelFile[] {
  checkWeights(input)
  return [tfjsModelJson(input), { name: tfjsFiles.weights, bytes: bytesView(input.weights).slice() }]
}

/** `model.json` alone, which does not depend on the values. Throws `engine.model-unsupported`. */
export function tfjsModelJson(input: ExportInput): ModelFile {
  const { topology, names } = topologyOf(input)
  if (layersOf(topology.config).some(({ class_name }) => class_name === 'GroupNormalization')) {
    throw new ParleyError('engine.model-unsupported', 'TF.js layers have no GroupNormalization')
  }
  const unknown = input.layout.find(({ name }) => !names.has(name))
  if (unknown !== undefined || names.size !== input.layout.length) {
    throw new ParleyError('engine.model-unsupported', 'the layout is not that of the model')
  }
  const weights = input.layout.map(({ name, shape }) => ({
    name: names.get(name) ?? name,
    shape: [...shape],
    dtype: 'float32',
  }))
  const model = {
    format: 'layers-model',
    generatedBy: 'parley',
    convertedBy: null,
    modelTopology: { ...topology, keras_version: 'tfjs-layers 4.22.0', backend: 'tensor_flow.js' },
    weightsManifest: [{ paths: [tfjsFiles.weights], weights }],
  }
  return { name: tfjsFiles.model, bytes: utf8(canonicalJsonOfDefined(model)) }
}

/** What a TF.js layers model of this layout calls each tensor, by Parley's name. */
export function tfjsTensorNames(input: ExportInput): ReadonlyMap<string, string> {
  return topologyOf(input).names
}

function topologyOf({ name, model, data, layout }: ExportInput): ExportedTopology {
  if (!('layers' in model)) return shortFormTopology(name, model, data)
  return givenTopology(model.layers, layout, dataEnds(data))
}
