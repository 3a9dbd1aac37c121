import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Graph } from '../../../client/training/graph/graph.ts'
import { graphOf } from '../../../client/training/graph/graph-of.ts'
import { sizeOf } from '../../../client/training/graph/shapes.ts'
import { loadEngine } from '../../../client/training/tfjs/load.ts'
import type { TensorNetwork } from '../../../client/training/tfjs/tensor-network.ts'
import { topologyNetwork, topologyTensors } from '../../../client/training/tfjs/topology.ts'
import { dataEnds } from '../../../core/plan/data.ts'
import { modelSchema } from '../../../core/plan/model.ts'
import { randomOf } from '../../../core/random/random.ts'
import { layoutOf, tensorLength } from '../../../core/tensors/layout.ts'
import { tableData } from '../../export/models.ts'
import { evaluated } from '../reference/reference.ts'
import { graphs, sequences, type Topology } from './topologies.ts'

const engine = await loadEngine('tfjs-cpu')

function soundGraph({ topology, data }: Topology): Graph {
  const graph = graphOf(modelSchema.parse({ layers: topology }), data)
  if ('outOfReach' in graph) throw new Error(graph.outOfReach)
  return graph
}

async function sameTensors(one: Topology): Promise<void> {
  expect(soundGraph(one).tensors).toEqual(await topologyTensors(one.topology, one.data))
}

async function sameOutputs({ topology, data }: Topology): Promise<void> {
  const graph = soundGraph({ topology, data })
  const network = await topologyNetwork(engine, topology, dataEnds(data))
  const random = randomOf(4, 'values')
  const weights = new Map(
    layoutOf(graph.tensors).map((tensor) => [
      tensor.name,
      Float32Array.from({ length: tensorLength(tensor) }, () => 0.5 * random.normal()),
    ]),
  )
  const input = Float32Array.from({ length: sizeOf(network.input) }, () => random.normal())
  const expected = predicted(network, weights, input)
  network.dispose()
  const actual = evaluated(graph, (name) => weights.get(name)!, input)
  expect(actual.length).toBe(expected.length)
  for (const [i, value] of expected.entries())
    expect(Math.abs(actual[i]! - value)).toBeLessThan(1e-3 * (1 + Math.abs(value)))
}

function predicted(
  network: TensorNetwork,
  weights: ReadonlyMap<string, Float32Array>,
  input: Float32Array,
): Float32Array {
  engine.use()
  let out = new Float32Array()
  engine.tf.tidy(() => {
    const tensors = network.layout.map(({ name, shape }) => engine.upload(weights.get(name)!, shape))
    out = engine.read(network.predict(tensors, engine.upload(input, [1, ...network.input]))).slice()
  })
  return out
}

describe('a graph is what TF.js builds of the same topology', () => {
  test.each([
    ['sequences', sequences],
    ['graphs of layers', graphs],
  ])('of %s: the same tensors, declared in the same order', async (_, topologies) => {
    await fc.assert(fc.asyncProperty(topologies, sameTensors), { numRuns: 150 })
  })

  test.each([
    ['sequences', sequences],
    ['graphs of layers', graphs],
  ])('of %s: the same outputs', async (_, topologies) => {
    await fc.assert(fc.asyncProperty(topologies, sameOutputs), { numRuns: 60 })
  })

  test('also where a call that is written first is made second', async () => {
    const call = (name: string) => [[name, 0, 0, {}]]
    const named = (class_name: string, name: string, config: object, ...inbound_nodes: unknown[]) => {
      return { class_name, name, config: { name, ...config }, inbound_nodes }
    }
    const layers = [
      named('InputLayer', 'x', { batch_input_shape: [null, 4] }),
      named('Activation', 'twice', { activation: 'tanh' }, call('late'), call('x')),
      named('Dense', 'late', { units: 4 }, call('x')),
      named('Dense', 'y', { units: 1 }, call('twice')),
    ]
    const config = { name: 'm', layers, input_layers: [['x', 0, 0]], output_layers: [['y', 0, 0]] }
    const one = { topology: { class_name: 'Functional', config }, data: tableData(4) }
    expect(soundGraph(one).tensors.map(({ name }) => name)).toEqual(['dense_1/kernel', 'dense_1/bias'])
    await sameTensors(one)
    await sameOutputs(one)
  })
})
