import type { DataEnds } from '../plan/data.ts'
import type { Layout } from '../tensors/layout.ts'
import { type ExportedTopology, finalActivation, type LayerJson, rescalingLayer, type TopologyJson } from './keras.ts'
import { layersOf, nameOf, unsupported } from './layer-order.ts'
import { modelOf, prefixOf, tensorPrefixes } from './tensor-prefixes.ts'

/**
 * The topology that a plan gives, ending in probabilities, and what TF.js calls its tensors: the layer's own name where
 * Parley's has its class and number, `hidden/kernel` for `dense_1/kernel`. Layers without a name get Parley's.
 * Throws `engine.model-unsupported` when the layout is not of this topology.
 */
export function givenTopology(
  topology: Readonly<Record<string, unknown>>,
  layout: Layout,
  ends: Pick<DataEnds, 'classes' | 'numeric'>,
): ExportedTopology {
  const named = namedTopology(topology)
  const prefixes = new Map(Array.from(tensorPrefixes(named), ([layer, prefix]) => [prefix, nameOf(layer)]))
  const names = new Map<string, string>()
  for (const { name } of layout) {
    const slash = name.lastIndexOf('/')
    const layer = prefixes.get(name.slice(0, slash))
    if (layer === undefined)
      throw unsupported(`the topology has no layer for the tensor ${JSON.stringify(name.slice(0, 100))}`)
    names.set(name, `${layer}${name.slice(slash)}`)
  }
  return { topology: endingIn(named, ends), names }
}

/** TF.js would count layers without a name over the life of the process: no file could name their weights. */
function namedTopology(topology: Readonly<Record<string, unknown>>): TopologyJson {
  const { class_name, config } = modelOf(topology)
  const taken = new Set(
    layersOf(config).flatMap((layer) => (typeof layer.config.name === 'string' ? [layer.config.name] : [])),
  )
  const layers = layersOf(config).map((layer) => {
    if (typeof layer.config.name === 'string') return layer
    const name = layer.name ?? freeName(prefixOf(layer.class_name), taken)
    taken.add(name)
    return { ...layer, config: { ...layer.config, name } }
  })
  return { class_name, config: { ...config, layers } }
}

function freeName(prefix: string, taken: ReadonlySet<string>): string {
  let count = 1
  while (taken.has(`${prefix}_${count}`)) count++
  return `${prefix}_${count}`
}

/** The topology with an activation behind its output, unless it has that at its end; of a numeric label with a rescaling. */
function endingIn({ class_name, config }: TopologyJson, ends: Pick<DataEnds, 'classes' | 'numeric'>): TopologyJson {
  const activation = finalActivation(ends)
  const layers = layersOf(config)
  const outputs = config.output_layers ?? config.outputLayers
  const output = Array.isArray(outputs) && Array.isArray(outputs[0]) ? (outputs[0] as unknown[]) : undefined
  const last = output === undefined ? layers.at(-1) : layers.find((layer) => nameOf(layer) === output[0])
  if (last === undefined) throw unsupported('the topology has no output')
  const { numeric } = ends
  const end = last.class_name === 'Softmax' ? 'softmax' : last.config.activation
  if (numeric === undefined && end === activation) return { class_name, config }
  const name = freeName(numeric === undefined ? 'probabilities' : 'prediction', new Set(layers.map(nameOf)))
  const added: LayerJson =
    numeric === undefined
      ? { class_name: 'Activation', config: { name, activation, trainable: true } }
      : rescalingLayer(numeric, name)
  if (output === undefined) return { class_name, config: { ...config, layers: [...layers, added] } }
  const [from, node = 0, tensor = 0] = output
  const graph = { ...added, name, inbound_nodes: [[[from, node, tensor, {}]]] }
  const { outputLayers: _, ...rest } = config
  return { class_name, config: { ...rest, layers: [...layers, graph], output_layers: [[name, 0, 0]] } }
}
