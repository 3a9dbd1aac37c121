import { ParleyError } from '../errors/index.ts'
import type { LayerJson, TopologyJson } from './keras.ts'

/** One call of a layer; layers that are shared have several. */
export type LayerCall = {
  readonly layer: string
  /** What others call it by. */
  readonly key: string
  /** Keys of the calls whose results it takes. */
  readonly inputs: readonly string[]
  /** It has arguments besides its inputs, or takes another than the first result of a layer. */
  readonly special: boolean
}

/**
 * The layers of a topology in the order in which TF.js has them, by which Parley numbers them: as they are written in a
 * sequence; in a graph by their longest way to the output, the farthest first, and then as they are met from the output
 * on (`Container` of tfjs-layers 4). Layers that do not lead to the output are not there. Throws
 * `engine.model-unsupported` for what is neither.
 */
export function layersInOrder(topology: TopologyJson): readonly LayerJson[] {
  const layers = layersOf(topology.config)
  if (outputsOf(topology).length === 0) return layers
  const { met, finished } = wayToTheOutput(topology)
  const depths = depthsOf(finished)
  const byName = new Map(layers.map((layer) => [nameOf(layer), layer]))
  return met
    .map((name, place) => ({ layer: byName.get(name), depth: depths.get(name) ?? 0, place }))
    .sort((a, b) => b.depth - a.depth || a.place - b.place)
    .flatMap(({ layer }) => (layer === undefined ? [] : [layer]))
}

/** The calls of a graph of layers that lead to its outputs, each behind those that it takes from. Throws as `layersInOrder`. */
export function callsInOrder(topology: TopologyJson): readonly LayerCall[] {
  return wayToTheOutput(topology).finished
}

/** The keys of the calls whose results a graph of layers gives; none for a sequence. */
export function outputsOf({ config }: TopologyJson): readonly string[] {
  return referencesIn(config.output_layers ?? config.outputLayers).map(({ key }) => key)
}

/** The keys of the layers that a graph of layers takes its inputs by. */
export function inputsOf({ config }: TopologyJson): readonly string[] {
  return referencesIn(config.input_layers ?? config.inputLayers).map(({ key }) => key)
}

function wayToTheOutput(topology: TopologyJson): { met: readonly string[]; finished: readonly LayerCall[] } {
  const calls = callsOf(layersOf(topology.config))
  const met: string[] = []
  const finished: LayerCall[] = []
  const visit = (key: string, above: ReadonlySet<string>) => {
    const call = calls.get(key)
    if (call === undefined || above.has(key)) throw unsupported(`the topology has no sound node ${key.slice(0, 100)}`)
    if (finished.includes(call)) return
    if (!met.includes(call.layer)) met.push(call.layer)
    const under = new Set([...above, key])
    for (const input of call.inputs) visit(input, under)
    finished.push(call)
  }
  for (const output of outputsOf(topology)) visit(output, new Set())
  return { met, finished }
}

/** The longest way of each layer to the output; `finished` has every call behind those that it takes from. */
function depthsOf(finished: readonly LayerCall[]): Map<string, number> {
  const ofCall = new Map<string, number>()
  const ofLayer = new Map<string, number>()
  for (const { layer, key, inputs } of finished.toReversed()) {
    const depth = Math.max(ofCall.get(key) ?? 0, ofLayer.get(layer) ?? 0)
    ofLayer.set(layer, depth)
    ofCall.set(key, depth)
    for (const input of inputs) ofCall.set(input, Math.max(depth + 1, ofCall.get(input) ?? 0))
  }
  return ofLayer
}

/**
 * The calls of the layers by their keys. TF.js counts the calls of a layer as it comes to make them, not as they are written: it
 * goes over the layers again and again, and a call whose inputs are not yet there waits. One that waits for ever, of which TF.js
 * would not return, throws `engine.model-unsupported`.
 */
function callsOf(layers: readonly LayerJson[]): Map<string, LayerCall> {
  const calls = new Map<string, LayerCall>()
  const made = new Map<string, number>()
  const make = (layer: string, references: readonly Reference[], special: boolean) => {
    const index = made.get(layer) ?? 0
    made.set(layer, index + 1)
    const key = keyOf(layer, index)
    calls.set(key, { layer, key, inputs: references.map(({ key }) => key), special })
  }
  for (const layer of layers) if (layer.class_name === 'InputLayer') make(nameOf(layer), [], false)
  let waiting = layers.map((layer) => ({ name: nameOf(layer), calls: inboundOf(layer) }))
  while (waiting.some(({ calls }) => calls.length > 0)) {
    const before = calls.size
    waiting = waiting.map(({ name, calls: due }) => {
      const later = due.filter((references) => {
        if (references.some(({ key }) => !calls.has(key))) return true
        make(
          name,
          references,
          references.some(({ special }) => special),
        )
        return false
      })
      return { name, calls: later }
    })
    if (calls.size > before) continue
    const stuck = waiting.find(({ calls }) => calls.length > 0)?.name ?? ''
    throw unsupported(`an input of the layer ${stuck.slice(0, 100)} is never made`)
  }
  return calls
}

type Reference = { readonly key: string; readonly special: boolean }

function inboundOf(layer: LayerJson): Reference[][] {
  const inbound = layer.inbound_nodes ?? layer.inboundNodes
  return Array.isArray(inbound) ? inbound.map(referencesIn).filter(({ length }) => length > 0) : []
}

/** `[name, node, tensor, arguments]`, or a list of these. */
function referencesIn(value: unknown): Reference[] {
  if (!Array.isArray(value)) return []
  const [name, index, tensor = 0, given] = value as unknown[]
  if (typeof name !== 'string') return value.flatMap(referencesIn)
  const special = tensor !== 0 || (isObject(given) && Object.keys(given).length > 0)
  return [{ key: keyOf(name, typeof index === 'number' ? index : 0), special }]
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
