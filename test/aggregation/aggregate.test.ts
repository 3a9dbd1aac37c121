import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { randomOf } from '../../core/random/random.ts'
import { createKernels, type Kernels } from '../../kernels/index.ts'
import { RoundMatrix } from '../../server/aggregation/round-matrix.ts'
import { screenSamples, updateScreen } from '../../server/aggregation/screen.ts'
import type { UpdateRow } from '../../server/aggregation/update-row.ts'
import { aggregated, rowOf, TILE } from '../support/engine.ts'
import { kernels as inline } from '../support/federation.ts'

const opened: Kernels[] = []
afterAll(async () => {
  for (const kernels of opened) await kernels.close()
})

function withThreads(threads: number): Kernels {
  const kernels = createKernels({ threads, inlineBelow: 0 })
  opened.push(kernels)
  return kernels
}

function vectorOf(seed: number, length: number, scale = 1): Float32Array {
  const random = randomOf(seed, 'vector')
  return Float32Array.from({ length }, () => scale * (2 * random.uniform() - 1))
}

describe('the aggregate of a round', () => {
  test('is base + learning rate × weighted mean, over tiles that do not divide the model', async () => {
    const length = 2 * TILE + 7
    const [base, ...updates] = [1, 2, 3, 4].map((seed) => vectorOf(seed, length))
    const samples = [10, 20, 70]
    const rows = updates.map((values, index) => rowOf(`c${index}`, values, { samples: samples[index]! }))
    const section = { rule: { mean: { weights: 'samples' } }, server: { fedavg: { learningRate: 0.5 } } }
    const { values, report, model, base: before } = await aggregated(section, rows, length, { base: base! })
    expect(report.clients.map(({ weight }) => weight)).toEqual([0.1, 0.2, 0.7])
    expect(model.bytes).toBe(before.bytes)
    for (const j of [0, 1, TILE - 1, TILE, 2 * TILE, length - 1]) {
      const exact = base![j]! + 0.5 * (0.1 * updates[0]![j]! + 0.2 * updates[1]![j]! + 0.7 * updates[2]![j]!)
      expect(values[j]).toBeCloseTo(exact, 6)
    }
  })

  test('sums in double precision: one huge update does not swallow the others', async () => {
    const rows = [1e8, 1, -1e8].map((value, i) => rowOf(`c${i}`, Float32Array.of(value, 0)))
    expect((await aggregated({ rule: 'mean' }, rows, 2)).values[0]).toBeCloseTo(1 / 3, 6)
  })

  test('of equal weights does not look at sample counts', async () => {
    const rows = [
      rowOf('a', Float32Array.of(0, 0), { samples: 1 }),
      rowOf('b', Float32Array.of(4, 2), { samples: 1_000_000 }),
    ]
    const options = { base: Float32Array.of(1, 1) }
    expect((await aggregated({ rule: 'mean' }, rows, 2, options)).values).toEqual([3, 2])
  })

  test('of one update given to everybody is that update', async () => {
    const values = fc.array(fc.float({ noNaN: true, min: -1000, max: 1000 }), { minLength: 2, maxLength: 50 })
    await fc.assert(
      fc.asyncProperty(values, fc.integer({ min: 1, max: 8 }), async (list, n) => {
        const update = Float32Array.from(list)
        const rows = Array.from({ length: n }, (_, index) => rowOf(`c${index}`, update, { samples: index + 1 }))
        const result = await aggregated({ rule: { mean: { weights: 'samples' } } }, rows, update.length)
        for (const [j, value] of result.values.entries()) {
          expect(Math.abs(value - update[j]!)).toBeLessThanOrEqual(1e-4 * Math.max(1, Math.abs(update[j]!)))
        }
      }),
      { numRuns: 50 },
    )
  })

  test('leaves the updates as they are', async () => {
    const updates = [1, 2, 3, 4, 5].map((seed) => vectorOf(seed, 1000, seed))
    const before = updates.map((values) => values.slice())
    const rows = updates.map((values, i) => rowOf(`c${i}`, values))
    const section = { before: [{ clip: { norm: 0.5 } }, { nnm: { f: 1 } }], rule: { 'trimmed-mean': { f: 1 } } }
    await aggregated(section, rows, 1000)
    expect(updates).toEqual(before)
  })

  test('fails where the updates are too few for the attackers, and never falls back to the mean', async () => {
    const rows = [1, 2, 3, 4].map((seed) => rowOf(`c${seed}`, vectorOf(seed, 8)))
    for (const rule of [{ krum: { f: 1 } }, { 'trimmed-mean': { f: 2 } }, { bulyan: { f: 1 } }]) {
      await expect(aggregated({ rule }, rows, 8)).rejects.toMatchObject({ code: 'plan.infeasible' })
    }
  })
})

// Flower's Krum worked on weights: at this ratio it kept 3 of 4 attackers, since float32 squares of the weights swallow
// the differences between updates.
test('Krum keeps no attacker where updates are 2e-5 of the weights', async () => {
  const [n, attackers, d] = [20, 4, 100_000]
  const random = randomOf(9, 'trap')
  const normal = (scale: number) => Float32Array.from({ length: d }, () => scale * random.normal())
  const base = normal(50 / Math.sqrt(d))
  const direction = normal(1e-3 / Math.sqrt(2 * d))
  const rows = Array.from({ length: n }, (_, i) => {
    const scale = i >= n - attackers ? 5 : 1
    const own = normal((scale * 1e-3) / Math.sqrt(2 * d))
    const values = own.map((value, j) => (scale === 1 ? direction[j]! + value : value))
    return rowOf(`c${String(i).padStart(2, '0')}`, values, { norm: Math.sqrt(values.reduce((s, v) => s + v * v, 0)) })
  })
  for (const rule of [{ krum: { f: attackers } }, { 'multi-krum': { f: attackers } }]) {
    const { report } = await aggregated({ rule }, rows, d, { base })
    expect(report.clients.slice(-attackers).map(({ weight }) => weight)).toEqual([0, 0, 0, 0])
    expect(report.clients.filter(({ weight }) => weight !== 0).length).toBe('krum' in rule ? 1 : n - attackers)
  }
})

describe('the same updates give the same bytes', () => {
  const length = TILE + 4099
  const updates = Array.from({ length: 11 }, (_, i) =>
    rowOf(`c${String(i).padStart(2, '0')}`, vectorOf(i, length, 1 + i / 20)),
  )
  const sections = [
    { rule: 'mean' },
    { rule: 'median' },
    { rule: { 'multi-krum': { f: 2 } } },
    { rule: { bulyan: { f: 2 } } },
    { rule: { mda: { f: 2 } } },
    { before: [{ arc: { f: 2 } }, 'nnm'], rule: { 'trimmed-mean': { f: 2 } } },
    { before: [{ bucketing: { size: 2 } }], rule: { 'geometric-median': { f: 2 } } },
  ]

  /** As a round takes them in: in this order, in memory or on the disk. */
  async function arriving(section: object, order: readonly number[], kernels: Kernels, residentBytes: number) {
    const matrix = new RoundMatrix({ kernels, parameters: length, wantsGram: true, residentBytes })
    const rows: UpdateRow[] = [...updates]
    for (const i of order) {
      const memory = matrix.reserve()
      for (let index = 0; index < 2 && memory !== undefined; index++) {
        const tile = await updates[i]!.tile(index)
        memory.write(index, new Uint8Array(tile.buffer, tile.byteOffset, tile.byteLength))
      }
      rows[i] = { ...updates[i]!, ...(memory === undefined ? {} : { resident: memory.block }) }
      matrix.add(rows[i])
    }
    const { model, report } = await aggregated(section, rows, length, { kernels, matrix })
    await matrix.dispose()
    return { digest: model.digest, report }
  }

  test.each(sections)('by %j', async (section) => {
    const once = await aggregated(section, updates, length)
    const expected = { digest: once.model.digest, report: once.report }
    const forwards = updates.map((_, i) => i)
    const mixed = randomOf(3, 'order').shuffle([...forwards])
    expect(await arriving(section, forwards, inline, 0)).toEqual(expected)
    expect(await arriving(section, mixed, withThreads(1), 1e9)).toEqual(expected)
    expect(await arriving(section, [...mixed].reverse(), withThreads(2), 4 * length * 5)).toEqual(expected)
  })
})

describe('what is carried from round to round', () => {
  test('moves the weights as FedAdam does, over tiles', async () => {
    const length = TILE + 3
    const server = { fedadam: { learningRate: 0.1, beta1: 0.9, beta2: 0.99, tau: 1e-3 } }
    const deltas = [vectorOf(1, length), vectorOf(2, length)]
    const first = await aggregated({ server }, [rowOf('a', deltas[0]!)], length)
    const options = { store: first.store, model: first.model, memory: first.memory }
    const second = await aggregated({ server }, [rowOf('a', deltas[1]!)], length, options)
    expect(second.memory.optimizer).toHaveLength(2)
    for (const j of [0, TILE - 1, TILE, length - 1]) {
      let [w, m, v] = [0, 0, 1e-6]
      for (const delta of deltas) {
        m = 0.9 * m + 0.1 * delta[j]!
        v = 0.99 * v + 0.01 * delta[j]! ** 2
        w += (0.1 * m) / (Math.sqrt(v) + 1e-3)
      }
      expect(second.values[j]).toBeCloseTo(w, 5)
    }
  })

  test('is the last aggregate for centered clipping', async () => {
    const rule = { 'centered-clipping': { radius: 1 } }
    const rows = [rowOf('a', Float32Array.of(3, 0), { norm: 3 }), rowOf('b', Float32Array.of(3, 0), { norm: 3 })]
    const first = await aggregated({ rule }, rows, 2)
    expect(first.values).toEqual([1, 0])
    const options = { store: first.store, model: first.model, memory: first.memory }
    const second = await aggregated({ rule }, rows, 2, options)
    // From the center (1, 0) one step of radius 1 towards (3, 0) gives (2, 0), which is added to the weights (1, 0).
    expect(second.values).toEqual([3, 0])
  })

  test('is each client’s history for FoolsGold: those who always agree lose their weight', async () => {
    const rule = 'foolsgold'
    const honest = (seed: number) => vectorOf(seed, 64)
    let last: Awaited<ReturnType<typeof aggregated>> | undefined
    for (let round = 0; round < 3; round++) {
      const sybil = vectorOf(1000, 64).map((value, j) => value + 0.01 * honest(round + 77)[j]!)
      const rows = [
        ...[1, 2, 3].map((client) => rowOf(`h${client}`, honest(100 * client + round))),
        rowOf('s1', sybil),
        rowOf(
          's2',
          sybil.map((value) => 1.01 * value),
        ),
      ]
      const options = last === undefined ? {} : { store: last.store, model: last.model, memory: last.memory }
      last = await aggregated({ rule }, rows, 64, options)
    }
    const weights = Object.fromEntries(last!.report.clients.map(({ client, weight }) => [client, weight]))
    expect(weights.s1).toBeLessThan(0.01)
    expect(weights.s2).toBeLessThan(0.01)
    expect(weights.h1).toBeGreaterThan(0.2)
    expect(last!.memory.histories?.map(({ client }) => client)).toEqual(['h1', 'h2', 'h3', 's1', 's2'])
  })
})

describe('the robustness report', () => {
  const good = [1, 2, 3, 4, 5, 6].map((seed) => vectorOf(seed, 50).map((value) => 1 + value / 4))
  const rows = [...good, good[0]!.map((value) => -20 * value)].map((values, i) =>
    rowOf(`c${i}`, values, { norm: Math.hypot(...values) }),
  )

  test('says what an attacker’s update looked like, and that it has no part', async () => {
    const { report, values } = await aggregated({ rule: { 'multi-krum': { f: 1 } } }, rows, 50)
    expect(report).toMatchObject({ rule: 'multi-krum', attackers: 1 })
    expect(report.norm).toBeCloseTo(Math.hypot(...values), 4)
    const last = report.clients[6]!
    expect(last).toMatchObject({
      client: 'c6',
      weight: 0,
      scale: 1,
      marks: ['norm', 'direction', 'distance', 'left-out'],
    })
    expect(last.cosine).toBeLessThan(-0.9)
    expect(last.leftOut).toMatch(/score/)
    expect(report.clients[0]!.marks).toEqual([])
    const distance = Math.hypot(...good[0]!.map((value, j) => value - values[j]!))
    expect(report.clients[0]!.distance).toBeCloseTo(distance, 4)
  })

  test('counts for a rule by coordinates how often a value was kept', async () => {
    const { report, values } = await aggregated({ rule: { 'trimmed-mean': { f: 1 } } }, rows, 50)
    expect(report.clients[6]).toMatchObject({ weight: null, kept: 0 })
    const kept = report.clients.map((client) => client.kept!)
    expect(kept.reduce((a, b) => a + b)).toBeCloseTo(5, 9)
    const distance = Math.hypot(...good[0]!.map((value, j) => value - values[j]!))
    expect(report.clients[0]!.distance).toBeCloseTo(distance, 4)
  })

  test('gives the factor by which an update was clipped', async () => {
    const { report } = await aggregated({ before: [{ clip: { norm: 2 } }], rule: 'mean' }, rows, 50)
    for (const { scale, norm } of report.clients) expect(scale).toBeCloseTo(Math.min(1, 2 / norm), 6)
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
