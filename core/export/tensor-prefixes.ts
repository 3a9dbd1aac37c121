import type { LayerJson, TopologyJson } from './keras.ts'
import { isObject, layersInOrder } from './layer-order.ts'

/** Layers with weights, of those that Parley trains. */
const weighted = new Set([
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
])

/** What the names of the tensors of each layer with weights begin with, `dense_1`, in the order of the layers. */
export function tensorPrefixes(topology: TopologyJson): ReadonlyMap<LayerJson, string> {
  const counts = new Map<string, number>()
  const prefixes = new Map<LayerJson, string>()
  for (const layer of layersInOrder(topology).filter(hasWeights)) {
    const count = (counts.get(layer.class_name) ?? 0) + 1
    counts.set(layer.class_name, count)
    prefixes.set(layer, `${prefixOf(layer.class_name)}_${count}`)
  }
  return prefixes
}

function hasWeights({ class_name, config }: LayerJson): boolean {
  if (!weighted.has(class_name)) return false
  return !class_name.endsWith('Normalization') || config.center !== false || config.scale !== false
}

/** `SimpleRNN` is `simple_rnn`, `Conv2D` is `conv2d`. */
export function prefixOf(className: string): string {
  return className.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toLowerCase()
}

/** A plan's topology without what may stand around the model. */
export function modelOf(topology: Readonly<Record<string, unknown>>): TopologyJson {
  const model = isObject(topology.model_config) ? topology.model_config : topology
  const config = isObject(model.config) ? model.config : { layers: model.config }
  return { class_name: typeof model.class_name === 'string' ? model.class_name : 'Sequential', config }
}
