import { architectureOf, type LayerSpec, layerTensors, type ShortForm } from '../../../core/plan/architecture.ts'
import type { DataEnds, Inputs } from '../../../core/plan/data.ts'
import type { StartingTensor } from '../starting-tensor.ts'
import { GraphBuilder } from './builder.ts'
import type { Graph, ValueId } from './graph.ts'
import { windowOver } from './shapes.ts'

/** A short form as a graph. Fails with `plan.invalid` where it does not fit the data. */
export function shortFormGraph(model: ShortForm, data: Inputs | DataEnds): Graph {
  const { input, layers } = architectureOf(model, data)
  const builder = new GraphBuilder(input)
  const output = layers.reduce(
    (value, layer) =>
      layer.kind === 'dense' ? addDense(builder, layer, value) : addConvolution(builder, layer, value),
    0,
  )
  return builder.graph(output)
}

function addDense(builder: GraphBuilder, layer: LayerSpec & { kind: 'dense' }, value: ValueId): ValueId {
  const { name, inputs, units, activation, dropout } = layer
  const [kernel, bias] = startingTensors(layer)
  const flat =
    builder.shapeOf(value).length === 1
      ? value
      : builder.add('flatten', { op: { kind: 'reshape' }, output: [inputs], tensors: [] }, value)
  const op = { kind: 'dense', positions: 1, inputs, units, kernel: kernel.name, bias: bias.name, activation } as const
  const active = builder.add(name, { op, output: [units], tensors: [kernel, bias] }, flat)
  if (dropout === 0) return active
  return builder.add(
    `dropout after ${name}`,
    { op: { kind: 'dropout', rate: dropout }, output: [units], tensors: [] },
    active,
  )
}

function addConvolution(builder: GraphBuilder, layer: LayerSpec & { kind: 'conv2d' }, value: ValueId): ValueId {
  const { name, input, filters, kernel: size, pool, activation } = layer
  const [kernel, bias] = startingTensors(layer)
  const window = windowOver(input, [size, size], [1, 1], 'same', filters)
  const op = { kind: 'conv2d', window, kernel: kernel.name, bias: bias.name, activation } as const
  const active = builder.add(name, { op, output: window.output, tensors: [kernel, bias] }, value)
  if (pool === 1) return active
  const pooling = windowOver(window.output, [pool, pool], [pool, pool], 'same', filters)
  return builder.add(
    `pooling after ${name}`,
    { op: { kind: 'pool', of: 'max', window: pooling }, output: pooling.output, tensors: [] },
    active,
  )
}

function startingTensors(layer: LayerSpec): [kernel: StartingTensor, bias: StartingTensor] {
  const [kernel, bias] = layerTensors(layer)
  return [
    { ...kernel, start: 'glorot' },
    { ...bias, start: 'zeros' },
  ]
}
