import { ParleyError } from '../errors/index.ts'
import type { LayerJson, TopologyJson } from './keras.ts'

/** One call of a layer: layers that are shared have several. */
type Node = { readonly layer: string; readonly index: number; readonly inputs: readonly string[] }

/**
 * The layers of a topology in the order in which TF.js has them, by which Parley numbers them: as they are written in a
 * sequence; in a graph by their longest way to the output, the farthest first, and then as they are met from the output
 * on (`Container` of tfjs-layers 4). Layers that do not lead to the output are not there. Throws
 * `engine.model-unsupported` for what is neither.
 */
export function layersInOrder({ config }: TopologyJson): readonly LayerJson[] {
  const layers = layersOf(config)
  const outputs = referencesIn([config.output_layers ?? config.outputLayers ?? []])
  if (outputs.length === 0) return layers
  const nodes = nodesOf(layers)
  const met: string[] = []
  const finished: Node[] = []
  const visit = (key: string, above: ReadonlySet<string>) => {
    const node = nodes.get(key)
    if (node === undefined || above.has(key)) throw unsupported(`the topology has no sound node ${key.slice(0, 100)}`)
    if (finished.includes(node)) return
    if (!met.includes(node.layer)) met.push(node.layer)
    const under = new Set([...above, key])
    for (const input of node.inputs) visit(input, under)
    finished.push(node)
  }
  for (const output of outputs) visit(output, new Set())
  const depths = depthsOf(finished, nodes)
  const byName = new Map(layers.map((layer) => [nameOf(layer), layer]))
  return met
    .map((name, place) => ({ layer: byName.get(name), depth: depths.get(name) ?? 0, place }))
    .sort((a, b) => b.depth - a.depth || a.place - b.place)
    .flatMap(({ layer }) => (layer === undefined ? [] : [layer]))
}

/** The longest way of each layer to the output; `finished` has every node behind those that it takes from. */
function depthsOf(finished: readonly Node[], nodes: ReadonlyMap<string, Node>): Map<string, number> {
  const ofNode = new Map<string, number>()
  const ofLayer = new Map<string, number>()
  for (const node of finished.toReversed()) {
    const key = keyOf(node.layer, node.index)
    const depth = Math.max(ofNode.get(key) ?? 0, ofLayer.get(node.layer) ?? 0)
    ofLayer.set(node.layer, depth)
    ofNode.set(key, depth)
    for (const input of node.inputs) {
      if (nodes.has(input)) ofNode.set(input, Math.max(depth + 1, ofNode.get(input) ?? 0))
    }
  }
  return ofLayer
}

function nodesOf(layers: readonly LayerJson[]): Map<string, Node> {
  const nodes = new Map<string, Node>()
  for (const layer of layers) {
    const name = nameOf(layer)
    const inbound = layer.inbound_nodes
    const calls = Array.isArray(inbound) && inbound.length > 0 ? inbound : [[]]
    calls.forEach((call, index) => {
      nodes.set(keyOf(name, index), { layer: name, index, inputs: referencesIn(call) })
    })
  }
  return nodes
}

/** `[name, node, tensor, …]`, or a list of these, as keys of nodes. */
function referencesIn(value: unknown): string[] {
  if (!Array.isArray(value)) return []
  const [name, index] = value as unknown[]
  if (typeof name === 'string') return [keyOf(name, typeof index === 'number' ? index : 0)]
  return value.flatMap(referencesIn)
}

function keyOf(layer: string, index: number): string {
  return `${layer}#${index}`
}

/** The list of layers of a model, each with its class and its configuration. */
export function layersOf(config: unknown): readonly LayerJson[] {
  const layers = isObject(config) ? config.layers : config
  if (!Array.isArray(layers) || !layers.every(isLayer)) throw unsupported('the topology has no list of layers')
  return layers
}

export function nameOf({ class_name, config, name }: LayerJson): string {
  if (typeof config.name === 'string') return config.name
  return name ?? class_name
}

function isLayer(value: unknown): value is LayerJson {
  return isObject(value) && typeof value.class_name === 'string' && isObject(value.config)
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function unsupported(message: string): ParleyError {
  return new ParleyError('engine.model-unsupported', message)
}
