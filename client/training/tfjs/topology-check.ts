import { ParleyError } from '../../../core/errors/index.ts'
import { callsInOrder } from '../../../core/export/layer-order.ts'
import type { DataEnds } from '../../../core/plan/data.ts'

/** A layers topology taken apart and made ready to build. */
export type CheckedTopology = {
  readonly modelTopology: Record<string, unknown>
  readonly layerNames: readonly string[]
}

type Config = Record<string, unknown>
type LayerJson = { class_name: string; config: Config }

/**
 * Layers whose training is the same on every engine. Left out on purpose: BatchNormalization, whose running statistics are
 * no gradient step and say much about one client's data (LayerNormalization and GroupNormalization do its work); layers that run
 * code or keep state between batches.
 */
const trainable = new Set([
  'InputLayer',
  'Dense',
  'Conv1D',
  'Conv2D',
  'DepthwiseConv2D',
  'Embedding',
  'SimpleRNN',
  'LSTM',
  'GRU',
  'LayerNormalization',
  'GroupNormalization',
  'Activation',
  'ReLU',
  'LeakyReLU',
  'ELU',
  'Softmax',
  'Dropout',
  'Flatten',
  'Reshape',
  'Permute',
  'RepeatVector',
  'ZeroPadding2D',
  'MaxPooling1D',
  'MaxPooling2D',
  'AveragePooling1D',
  'AveragePooling2D',
  'GlobalAveragePooling1D',
  'GlobalAveragePooling2D',
  'GlobalMaxPooling1D',
  'GlobalMaxPooling2D',
  'Add',
  'Average',
  'Concatenate',
  'Maximum',
  'Minimum',
  'Multiply',
])

/** Set on every layer: a layer that has no such weights takes no notice. */
const initializers = [
  'kernel_initializer',
  'depthwise_initializer',
  'recurrent_initializer',
  'bias_initializer',
  'embeddings_initializer',
]

/** What TF.js would pass over in silence, by class, with the values that mean nothing else than what it does. */
const ignored: ReadonlyMap<string, Readonly<Record<string, readonly unknown[]>>> = new Map([
  ['Conv1D', { groups: [1] }],
  ['Conv2D', { groups: [1] }],
  ['DepthwiseConv2D', { dilation_rate: [1], dilationRate: [1] }],
  ['ReLU', { negative_slope: [0], negativeSlope: [0], threshold: [0] }],
])

/** Model classes of TF.js: a sequence, and two names of a graph of layers. */
const modelClasses: readonly unknown[] = ['Sequential', 'Functional', 'Model']

/** Largest number in a layer's configuration: units, filters, vocabulary. */
const LARGEST_SIZE = 1_048_576
const MOST_LAYERS = 1_000

/**
 * Checks a topology before TF.js sees it, and changes two things in a copy: initial weights are zeros, for they come from the
 * run, and the activation at the end is linear, for the loss is computed from logits; of a numeric label it has to be so. Fails
 * with `engine.model-unsupported`, naming the layer.
 */
export function checkTopology(
  topology: Record<string, unknown>,
  { classes, numeric }: Pick<DataEnds, 'classes' | 'numeric'>,
): CheckedTopology {
  const copy = structuredClone(topology)
  const model = isObject(copy.model_config) ? copy.model_config : copy
  const config = isObject(model.config) ? model.config : { layers: model.config }
  const layers = config.layers
  if (!Array.isArray(layers) || layers.length === 0) throw unsupported('the topology has no list of layers')
  if (!modelClasses.includes(model.class_name)) {
    throw unsupported(`the topology is of the class ${String(model.class_name)}: it must be ${modelClasses.join(', ')}`)
  }
  if (layers.length > MOST_LAYERS) throw unsupported(`the topology has more than ${MOST_LAYERS} layers`)
  const checked = layers.map(checkLayer)
  if (model.class_name !== 'Sequential') checkGraph(config, layers)
  const last = outputLayer(config, checked)
  makeLinear(last, numeric === undefined ? (classes === 1 ? 'sigmoid' : 'softmax') : undefined)
  return { modelTopology: model, layerNames: checked.map(nameOf) }
}

function checkLayer(layer: unknown): LayerJson {
  if (!isObject(layer) || typeof layer.class_name !== 'string' || !isObject(layer.config)) {
    throw unsupported('a layer has no class_name or no config')
  }
  const { class_name, config } = layer as LayerJson
  const name = nameOf({ class_name, config })
  if (!trainable.has(class_name)) throw unsupported(`the layer ${name} is a ${class_name}, which is not supported`)
  for (const [key, value] of Object.entries(config)) {
    if ([value].flat().some((size) => typeof size === 'number' && size > LARGEST_SIZE)) {
      throw unsupported(`${key} of the layer ${name} is too large`)
    }
    if (/(regularizer|constraint)$/i.test(key) && value !== null && value !== undefined) {
      throw unsupported(`${key} of the layer ${name} is not supported`)
    }
  }
  for (const key of initializers) config[key] = { class_name: 'Zeros', config: {} }
  if (config.stateful === true) throw unsupported(`the layer ${name} keeps state between batches`)
  for (const [key, meaningless] of Object.entries(ignored.get(class_name) ?? {})) {
    const values = [config[key] ?? meaningless].flat()
    if (!values.every((value) => meaningless.includes(value)))
      throw unsupported(`${key} of the layer ${name} is not supported`)
  }
  const inner = [config.dropout, config.recurrent_dropout, config.recurrentDropout]
  if (/RNN|LSTM|GRU/.test(class_name) && inner.some(positive)) {
    throw unsupported(`dropout inside the layer ${name} cannot be reproduced: use a Dropout layer`)
  }
  if (config.trainable === false) throw unsupported(`the layer ${name} is frozen, which is not supported`)
  return layer as LayerJson
}

/** Of calls that can never be made TF.js would not return; of two layers with one name it would leave one away. */
function checkGraph(config: Config, layers: readonly (LayerJson & { name?: unknown })[]): void {
  for (const { name, config } of layers) {
    if (typeof name !== 'string' || (config.name ?? name) !== name)
      throw unsupported('a layer of a graph has no name, or two')
  }
  if (new Set(layers.map(({ name }) => name)).size < layers.length) throw unsupported('two layers have the same name')
  callsInOrder({ class_name: 'Functional', config })
}

function outputLayer(config: Config, layers: readonly LayerJson[]): LayerJson {
  const outputs = config.output_layers ?? config.outputLayers
  if (outputs === undefined) return layers.at(-1) as LayerJson
  const first = Array.isArray(outputs) && outputs.length === 1 ? outputs[0] : undefined
  const name = Array.isArray(first) ? first[0] : undefined
  const found = layers.find(({ config }) => config.name === name)
  if (found === undefined) throw unsupported('the topology must have exactly one output')
  return found
}

function makeLinear(last: LayerJson, expected: 'sigmoid' | 'softmax' | undefined): void {
  if (last.class_name === 'Softmax') {
    last.class_name = 'Activation'
    last.config = { ...last.config, activation: 'softmax' }
  }
  const { class_name, config } = last
  const activation = config.activation
  if (activation === undefined || activation === null || activation === 'linear') return
  if (expected === undefined) {
    throw unsupported(`the last layer ends in ${String(activation)}: of a numeric label it must be linear`)
  }
  if (activation !== expected || !(class_name === 'Dense' || class_name === 'Activation')) {
    throw unsupported(`the last layer ends in ${String(activation)}: it must give logits, or end in ${expected}`)
  }
  config.activation = 'linear'
}

function nameOf({ class_name, config }: LayerJson): string {
  return typeof config.name === 'string' ? config.name : class_name
}

function positive(value: unknown): boolean {
  return typeof value === 'number' && value > 0
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function unsupported(message: string, cause?: unknown): ParleyError {
  return new ParleyError('engine.model-unsupported', message, { cause })
}
