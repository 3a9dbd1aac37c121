import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytesView, concatBytes } from '../../core/encoding/bytes.ts'
import { writeHeader } from '../../core/tensors/safetensors.ts'
import { SEGMENT_BYTES } from '../../core/wire/limits.ts'
import { aggregate } from '../../server/aggregation/aggregate.ts'
import { mean } from '../../server/aggregation/mean.ts'
import type { UpdateRow } from '../../server/aggregation/rule.ts'
import { screenSamples, updateScreen } from '../../server/aggregation/screen.ts'
import { average } from '../../server/aggregation/server-optimizer.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import { storedWeights, tinyLayout } from '../support/federation.ts'

const TILE = SEGMENT_BYTES / 4

function rowOf(client: string, samples: number, values: Float32Array): UpdateRow {
  return { client, samples, tile: async (index) => values.subarray(index * TILE, (index + 1) * TILE) }
}

async function aggregated(base: Float32Array, rows: UpdateRow[], weights: 'equal' | 'samples', learningRate = 1) {
  const store = memoryStore()
  const file = concatBytes(writeHeader(tinyLayout(base.length)), bytesView(base))
  const model = { digest: await store.blobs.put(file), bytes: file.length }
  const input = { blobs: store.blobs, model, parameters: base.length, rows }
  const result = await aggregate({ ...input, rule: mean({ weights }), optimizer: average({ learningRate }) })
  return { ...result, base: model, values: await storedWeights(store, result.model.digest, base.length) }
}

describe('the aggregate of a round', () => {
  test('is base + learning rate × weighted mean, over tiles that do not divide the model', async () => {
    const length = 2 * TILE + 7
    const vector = (seed: number) => Float32Array.from({ length }, (_, j) => Math.sin(seed + j / 97))
    const base = vector(1)
    const updates = [vector(2), vector(3), vector(4)]
    const samples = [10, 20, 70]
    const rows = updates.map((values, index) => rowOf(`c${index}`, samples[index]!, values))
    const { values, weights, model, base: before } = await aggregated(base, rows, 'samples', 0.5)
    expect(weights).toEqual([0.1, 0.2, 0.7])
    expect(model.bytes).toBe(before.bytes)
    for (const j of [0, 1, TILE - 1, TILE, 2 * TILE, length - 1]) {
      const exact = base[j]! + 0.5 * (0.1 * updates[0]![j]! + 0.2 * updates[1]![j]! + 0.7 * updates[2]![j]!)
      expect(values[j]).toBeCloseTo(exact, 6)
    }
  })

  test('sums in double precision: one huge update does not swallow the others', async () => {
    const rows = [
      rowOf('a', 1, Float32Array.of(1e8, 0)),
      rowOf('b', 1, Float32Array.of(1, 0)),
      rowOf('c', 1, Float32Array.of(-1e8, 0)),
    ]
    expect((await aggregated(new Float32Array(2), rows, 'equal')).values[0]).toBeCloseTo(1 / 3, 6)
  })

  test('of equal weights does not look at sample counts', async () => {
    const rows = [rowOf('a', 1, Float32Array.of(0, 0)), rowOf('b', 1_000_000, Float32Array.of(4, 2))]
    expect((await aggregated(Float32Array.of(1, 1), rows, 'equal')).values).toEqual([3, 2])
  })

  test('of one update given to everybody is that update', async () => {
    const values = fc.array(fc.float({ noNaN: true, min: -1000, max: 1000 }), { minLength: 2, maxLength: 50 })
    await fc.assert(
      fc.asyncProperty(values, fc.integer({ min: 1, max: 8 }), async (list, n) => {
        const update = Float32Array.from(list)
        const rows = Array.from({ length: n }, (_, index) => rowOf(`c${index}`, index + 1, update))
        const result = await aggregated(new Float32Array(update.length), rows, 'samples')
        for (const [j, value] of result.values.entries()) {
          expect(Math.abs(value - update[j]!)).toBeLessThanOrEqual(1e-4 * Math.max(1, Math.abs(update[j]!)))
        }
      }),
      { numRuns: 50 },
    )
  })
})

describe('the screens', () => {
  const screens = { maxNorm: 5, maxSampleWeight: 100 }

  test('add up the norm over segments', () => {
    const screen = updateScreen(screens)
    screen.add(Float32Array.of(3, 0, 0, 0, 0))
    screen.add(Float32Array.of(0, 4))
    expect(screen.norm).toBe(5)
    expect(() => screen.add(Float32Array.of(0.1))).toThrow(expect.objectContaining({ code: 'update.norm-limit' }))
  })

  test('find a value that is not finite at every place of a segment', () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      for (let place = 0; place < 9; place++) {
        const values = new Float32Array(9)
        values[place] = bad
        expect(() => updateScreen(screens).add(values)).toThrow(expect.objectContaining({ code: 'update.not-finite' }))
      }
    }
  })

  test.each([-1, 0, 0.5, 101, 1e12, Number.NaN, Number.POSITIVE_INFINITY])(
    'refuse %d as a sample weight',
    (samples) => {
      expect(() => screenSamples(screens, samples)).toThrow(expect.objectContaining({ code: 'update.weight-limit' }))
    },
  )
})
