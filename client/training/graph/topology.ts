import type { LayerJson, TopologyJson } from '../../../core/export/keras.ts'
import { callsInOrder, inputsOf, layersInOrder, layersOf, nameOf, outputsOf } from '../../../core/export/layer-order.ts'
import { modelOf, tensorPrefixes } from '../../../core/export/tensor-prefixes.ts'
import type { DataEnds } from '../../../core/plan/data.ts'
import { checkTopology, unsupported } from '../tfjs/topology-check.ts'
import { GraphBuilder } from './builder.ts'
import type { Graph, Shape, ValueId } from './graph.ts'
import { givenInput } from './layers/input.ts'
import { camelCased, type Layer } from './layers/layer.ts'
import { layerReaders } from './layers/registry.ts'
import { BeyondReach } from './reach.ts'
import { shownShape, sizeOf } from './shapes.ts'

/** Values of one example anywhere in a model: 4 GiB in float32. */
const MOST_VALUES = 2 ** 30

/** A topology as a graph. Throws `BeyondReach` for one that no graph can say, and `engine.model-unsupported` for one that is wrong. */
export function topologyGraph(topology: Record<string, unknown>, ends: DataEnds): Graph {
  const model = modelOf(checkTopology(topology, ends).modelTopology)
  const reading = new Reading(model)
  const { builder, output } = model.class_name === 'Sequential' ? sequence(model, reading) : functional(model, reading)
  const input = builder.shapeOf(0)
  if (sizeOf(input) !== sizeOf(ends.shape)) {
    throw unsupported(`the topology takes ${shownShape(input)} values, the data has ${shownShape(ends.shape)}`)
  }
  const given = builder.shapeOf(output)
  if (given.length !== 1 || given[0] !== ends.classes) {
    throw unsupported(`the topology gives ${shownShape(given)} values, the label needs ${ends.classes}`)
  }
  const graph = builder.graph(output, reading.declared)
  if (graph.tensors.length === 0) throw unsupported('the topology has no weights to train')
  return graph
}

type Built = { readonly builder: GraphBuilder; readonly output: ValueId }

function sequence(model: TopologyJson, reading: Reading): Built {
  const [first, ...others] = layersOf(model.config)
  if (first === undefined) throw unsupported('the topology has no list of layers')
  const builder = new GraphBuilder(givenInput(first))
  const rest = first.class_name === 'InputLayer' ? others : [first, ...others]
  const output = rest.reduce((value, layer) => reading.apply(builder, layer, [value]), 0)
  return { builder, output }
}

function functional(model: TopologyJson, reading: Reading): Built {
  const layers = new Map(layersOf(model.config).map((layer) => [nameOf(layer), layer]))
  const calls = callsInOrder(model)
  const [first, ...others] = inputsOf(model)
  const input = layers.get(calls.find(({ key }) => key === first)?.layer ?? '')
  if (others.length > 0 || input?.class_name !== 'InputLayer') {
    throw unsupported('the topology must have exactly one input')
  }
  const builder = new GraphBuilder(givenInput(input))
  const values = new Map<string, ValueId>()
  for (const { key, layer: name, inputs, special } of calls) {
    const layer = layers.get(name)
    if (layer === undefined) throw unsupported(`the topology has no layer ${name}`)
    if (special) throw new BeyondReach(`the layer ${name} is called with arguments`)
    const from = inputs.map((input) => values.get(input) as ValueId)
    values.set(key, layer === input ? 0 : reading.apply(builder, layer, from))
  }
  const output = values.get(outputsOf(model)[0] ?? '')
  if (output === undefined) throw unsupported('the topology must have exactly one output')
  return { builder, output }
}

/** Reads the layers of one topology. */
class Reading {
  readonly #prefixes: ReadonlyMap<LayerJson, string>
  readonly #applied = new Set<LayerJson>()
  readonly #declared = new Map<LayerJson, readonly string[]>()
  readonly #order: readonly LayerJson[]

  constructor(model: TopologyJson) {
    this.#prefixes = tensorPrefixes(model)
    this.#order = layersInOrder(model)
  }

  /** Names of the tensors in the order of their layers. */
  get declared(): readonly string[] {
    return this.#order.flatMap((layer) => this.#declared.get(layer) ?? [])
  }

  apply(builder: GraphBuilder, json: LayerJson, inputs: readonly ValueId[]): ValueId {
    const layer: Layer = {
      name: nameOf(json),
      className: json.class_name,
      config: camelCased(json.config),
      prefix: this.#prefixes.get(json) ?? '',
      inputs: inputs.map((input) => builder.shapeOf(input)),
    }
    const { name, className } = layer
    if (className === 'InputLayer') throw unsupported(`the layer ${name} is an input behind the first`)
    const read = layerReaders.get(className)
    if (read === undefined) throw new BeyondReach(`the layer ${name} is of the class ${className}`)
    const applied = read(layer)
    needSize(layer, applied.output)
    if (applied.op?.kind === 'embedding' && !inputs.every((input) => builder.isInput(input))) {
      throw new BeyondReach(`the layer ${name} takes its numbers from another layer, not from the data`)
    }
    if (applied.tensors.length > 0 && this.#applied.has(json)) {
      throw new BeyondReach(`the layer ${name} has weights and is called more than once`)
    }
    this.#applied.add(json)
    this.#declared.set(
      json,
      applied.tensors.map((tensor) => tensor.name),
    )
    return builder.add(name, applied, ...inputs)
  }
}

function needSize({ name }: Layer, output: Shape): void {
  if (sizeOf(output) > MOST_VALUES) throw unsupported(`the layer ${name} gives ${shownShape(output)} values, too many`)
}
