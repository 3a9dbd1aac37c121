import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { graphOf } from '../../../client/training/graph/graph-of.ts'
import { loadEngine } from '../../../client/training/tfjs/load.ts'
import { topologyTensors } from '../../../client/training/tfjs/topology.ts'
import { modelSchema } from '../../../core/plan/model.ts'
import { graphs, sequences, type Topology } from './topologies.ts'

beforeAll(async () => void (await loadEngine('tfjs-cpu')))

async function sameAsTfjs({ topology, data }: Topology): Promise<void> {
  const graph = graphOf(modelSchema.parse({ layers: topology }), data)
  expect('outOfReach' in graph ? graph : graph.tensors).toEqual(await topologyTensors(topology, data))
}

describe('the tensors of a graph are those that TF.js makes, in the same order', () => {
  test('of sequences', async () => {
    await fc.assert(fc.asyncProperty(sequences, sameAsTfjs), { numRuns: 120 })
  })
  test('of graphs of layers', async () => {
    await fc.assert(fc.asyncProperty(graphs, sameAsTfjs), { numRuns: 120 })
  })
})
