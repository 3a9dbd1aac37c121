import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ParleyError } from '../../core/errors/index.ts'
import { randomOf } from '../../core/random/random.ts'
import { settled } from '../../sim/partition/dealing.ts'
import { kFold } from '../../sim/partition/k-fold.ts'
import type { Columns } from '../../sim/partition/partitioner.ts'
import {
  type PartitionerName,
  partition,
  partitionerOf,
  partitioners,
  partitionSchema,
} from '../../sim/partition/registry.ts'
import { dirichletVariate, logGamma } from '../../sim/partition/variates.ts'
import { root } from '../support/source-files.ts'

const splitBy = (named: unknown, labels: Int32Array, clients: number, seed = 1, columns?: Columns) =>
  partition(partitionSchema.parse(named), labels, clients, randomOf(seed, 'partition'), columns)
const digits = (rows: number, classes = 10) =>
  randomOf(5).shuffle(Int32Array.from({ length: rows }, (_, row) => row % classes))
const sizes = (parts: readonly Uint32Array[]) => parts.map((part) => part.length)
const classesOf = (part: Uint32Array, labels: Int32Array) => new Set([...part].map((row) => labels[row]!))
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length

/** Share of the commonest class in each part, on average. */
const purity = (parts: readonly Uint32Array[], labels: Int32Array) =>
  mean(
    parts.map((part) => {
      const counts = new Map<number, number>()
      for (const row of part) counts.set(labels[row]!, (counts.get(labels[row]!) ?? 0) + 1)
      return Math.max(...counts.values()) / part.length
    }),
  )

describe('the registry', () => {
  test('knows every file of sim/partition/partitioners by its name', () => {
    const files = readdirSync(join(root, 'sim/partition/partitioners')).map((file) => file.replace(/\.ts$/, ''))
    expect(Object.keys(partitioners).sort()).toEqual(files.sort())
  })

  test('a partitioner is a name with options, or a name alone', () => {
    expect(partitionerOf(partitionSchema.parse('shards'))).toMatchObject({ name: 'shards', options: { perClient: 2 } })
    expect(partitionerOf(partitionSchema.parse({ dirichlet: { alpha: 0.5 } })).options).toEqual({
      alpha: 0.5,
      per: 'client',
      minimum: 1,
    })
    for (const wrong of ['dirichlet', 'unknown', { iid: { k: 1 } }, { gamma: { gamma: 2 } }, { iid: {}, shards: {} }]) {
      expect(partitionSchema.safeParse(wrong).success).toBe(false)
    }
  })
})

describe.each<[PartitionerName, unknown]>([
  ['iid', 'iid'],
  ['shards', { shards: { perClient: 3 } }],
  ['dirichlet', { dirichlet: { alpha: 0.05 } }],
  ['dirichlet', { dirichlet: { alpha: 0.05, per: 'class' } }],
  ['dirichlet', { dirichlet: { alpha: 1e-6 } }],
  ['dirichlet', { dirichlet: { alpha: 1e-6, per: 'class' } }],
  ['dirichlet-quantity', { 'dirichlet-quantity': { alpha: 0.1 } }],
  ['classes', { classes: { perClient: 1 } }],
  ['gamma', { gamma: { gamma: 0.33 } }],
  ['natural', 'natural'],
])('%s %o', (name, named) => {
  const worlds = fc.record({
    seed: fc.nat(),
    rows: fc.integer({ min: 0, max: 300 }),
    clients: fc.integer({ min: 4, max: 40 }),
    classes: fc.integer({ min: 1, max: 4 }),
  })

  test('deals each row once, leaves nobody without, and does it again the same', () => {
    fc.assert(
      fc.property(worlds, ({ seed, rows, clients, classes }) => {
        if (name === 'natural') fc.pre(rows >= clients)
        const labels = Int32Array.from({ length: rows }, (_, row) => (row * 7 + seed) % classes)
        const columns = { group: Array.from(labels, (_, row) => `h${row % (clients + 3)}`).slice(0, rows) }
        if (name === 'natural') fc.pre(rows >= clients + 3)
        const parts = splitBy(named, labels, clients, seed, columns)
        expect(parts.length).toBe(clients)
        const all = parts.flatMap((part) => [...part])
        expect(all.sort((a, b) => a - b)).toEqual(Array.from({ length: rows }, (_, row) => row))
        if (rows >= clients) expect(Math.min(...sizes(parts))).toBeGreaterThan(0)
        for (const part of parts) expect([...part]).toEqual([...part].sort((a, b) => a - b))
        expect(splitBy(named, labels, clients, seed, columns)).toEqual(parts)
      }),
      { numRuns: 40 },
    )
  })
})

describe('iid', () => {
  test('parts differ by one row at most, and another seed deals otherwise', () => {
    const parts = splitBy('iid', digits(103), 10)
    expect(sizes(parts)).toEqual([11, 11, 11, 10, 10, 10, 10, 10, 10, 10])
    expect(splitBy('iid', digits(103), 10, 2)).not.toEqual(parts)
  })

  test('rows may be fewer than clients', () => {
    expect(sizes(splitBy('iid', digits(3), 5))).toEqual([1, 1, 1, 0, 0])
  })
})

describe('shards', () => {
  test('McMahan’s layout: 200 shards of 50, two for each of 100 clients', () => {
    const labels = digits(10_000)
    const parts = splitBy('shards', labels, 100)
    expect(new Set(sizes(parts))).toEqual(new Set([100]))
    const counts = parts.map((part) => classesOf(part, labels).size)
    expect(Math.max(...counts)).toBeLessThanOrEqual(2)
    expect(counts.filter((count) => count === 2).length).toBeGreaterThan(70)
  })
})

describe('gamma', () => {
  const labels = digits(1000)

  test('0 is sorted by label, 1 is IID, and between them lies what is between', () => {
    const at = (gamma: number) => splitBy({ gamma: { gamma } }, labels, 10)
    for (const [client, part] of at(0).entries()) expect(classesOf(part, labels)).toEqual(new Set([client]))
    const purities = [0, 0.33, 0.66, 1].map((gamma) => purity(at(gamma), labels))
    expect(purities).toEqual([...purities].sort((a, b) => b - a))
    expect(purities[1]).toBeCloseTo(0.67 + 0.033, 1)
    expect(purities[3]).toBeLessThan(0.25)
  })
})

describe('classes', () => {
  test('each client has k, and each class as many owners as any other but for one', () => {
    const labels = digits(2000)
    for (const perClient of [1, 2, 3, 10]) {
      const parts = splitBy({ classes: { perClient } }, labels, 20)
      for (const part of parts) expect(classesOf(part, labels).size).toBe(perClient)
      const owners = Array.from({ length: 10 }, (_, k) => parts.filter((part) => classesOf(part, labels).has(k)).length)
      expect(Math.max(...owners) - Math.min(...owners)).toBeLessThanOrEqual(1)
    }
  })

  test.each([
    ['too few to own all classes', 4, 2],
    ['more than there are', 20, 11],
  ])('%s are refused', (_, clients, perClient) => {
    expect(() => splitBy({ classes: { perClient } }, digits(100), clients)).toThrow(/classes\.perClient/)
  })
})

describe('dirichlet', () => {
  const labels = digits(2000)

  test('per client: clients of equal size, from IID to one class as α falls', () => {
    const at = (alpha: number) => splitBy({ dirichlet: { alpha } }, labels, 20)
    expect(new Set(sizes(at(0.1)))).toEqual(new Set([100]))
    const purities = [1e6, 10, 1, 0.01].map((alpha) => purity(at(alpha), labels))
    expect(purities).toEqual([...purities].sort((a, b) => a - b))
    expect(purities[0]).toBeLessThan(0.25)
    expect(purities[3]).toBeGreaterThan(0.8)
  })

  test('per client: α is divided among the classes', () => {
    // Dir(1, …, 1) over ten classes: the largest share is (1 + 1/2 + … + 1/10)/10 = 0.29 on average; of Dir(10, …, 10) it is 0.16.
    const large = digits(20_000)
    expect(Math.abs(purity(splitBy({ dirichlet: { alpha: 10 } }, large, 100), large) - 0.29)).toBeLessThan(0.05)
  })

  test('per class: sizes differ, and no client is below the minimum', () => {
    const at = (minimum: number) => splitBy({ dirichlet: { alpha: 0.1, per: 'class', minimum } }, labels, 20)
    expect(Math.min(...sizes(at(30)))).toBe(30)
    expect(Math.max(...sizes(at(1)))).toBeGreaterThan(200)
  })

  test('a minimum that the rows do not suffice for is refused', () => {
    for (const name of ['dirichlet', 'dirichlet-quantity']) {
      const ask = () => splitBy({ [name]: { alpha: 1, minimum: 101 } }, labels, 20)
      expect(ask).toThrow(ParleyError)
      expect(ask).toThrow(/minimum of 101/)
    }
  })

  test('over quantities: sizes differ, labels do not', () => {
    const parts = splitBy({ 'dirichlet-quantity': { alpha: 0.5, minimum: 20 } }, labels, 5)
    expect(Math.max(...sizes(parts)) / Math.min(...sizes(parts))).toBeGreaterThan(2)
    expect(Math.max(...parts.filter((part) => part.length > 100).map((part) => purity([part], labels)))).toBeLessThan(
      0.3,
    )
  })

  test('the numbers of a seed never change', () => {
    const random = randomOf(42, 'variates')
    const drawn = [logGamma(0.3, random), logGamma(4.5, random), ...dirichletVariate([0.5, 2], random)]
    expect(drawn).toEqual([-11.405694854002663, 1.2029306542502516, 0.253579822349645, 0.746420177650355])
  })
})

describe('gamma and Dirichlet variates', () => {
  test.each([0.2, 1, 3.7, 40])('of shape %d have its mean and variance', (shape) => {
    const random = randomOf(8)
    const drawn = Array.from({ length: 20_000 }, () => Math.exp(logGamma(shape, random)))
    const centre = mean(drawn)
    expect(centre / shape).toBeCloseTo(1, 1)
    expect(mean(drawn.map((x) => (x - centre) ** 2)) / shape).toBeCloseTo(1, 0)
  })

  test('have the distribution of the exponential at shape 1', () => {
    const random = randomOf(9)
    const drawn = Array.from({ length: 20_000 }, () => Math.exp(logGamma(1, random)))
    for (const x of [0.1, 0.5, 1, 2, 4]) {
      expect(drawn.filter((value) => value <= x).length / drawn.length).toBeCloseTo(1 - Math.exp(-x), 1.7)
    }
  })

  test('shares add up to 1, even of concentrations so small that no gamma variate is a number', () => {
    for (const alpha of [1e-7, 0.01, 1, 1e9]) {
      const shares = dirichletVariate([alpha, alpha, 2 * alpha], randomOf(3))
      expect(shares.reduce((a, b) => a + b)).toBeCloseTo(1, 12)
      expect(shares.every((share) => share >= 0 && share <= 1)).toBe(true)
    }
    const random = randomOf(4)
    const first = Array.from({ length: 5000 }, () => dirichletVariate([1, 2, 5], random)[0]!)
    expect(mean(first)).toBeCloseTo(1 / 8, 2)
  })
})

describe('natural', () => {
  const labels = new Int32Array(7)
  const columns = { hospital: ['b', 'a', 'b', 'c', 'b', 'c', 'd'], site: Int32Array.from([10, 9, 10, 9, 2, 2, 2]) }
  const by = (column: string, clients: number) =>
    splitBy({ natural: { column } }, labels, clients, 1, columns).map((part) => [...part])

  test('each value is a client, numbers in the order of numbers', () => {
    expect(by('hospital', 4)).toEqual([[1], [0, 2, 4], [3, 5], [6]])
    expect(by('site', 3)).toEqual([
      [4, 5, 6],
      [1, 3],
      [0, 2],
    ])
  })

  test('fewer clients share whole groups, more cannot be had', () => {
    expect(by('hospital', 2)).toEqual([
      [0, 2, 4, 6],
      [1, 3, 5],
    ])
    expect(() => by('hospital', 5)).toThrow(/4 values, 5 clients/)
  })

  test('a column that is missing or of another length is refused by name', () => {
    expect(() => by('ward', 2)).toThrow(/natural\.column.*ward/)
    expect(() => by('toString', 2)).toThrow(/natural\.column/)
    expect(() => splitBy('natural', labels, 2)).toThrow(/natural\.column/)
    expect(() => splitBy('natural', labels, 1, 1, { group: [1] })).toThrow(/1 values for 7 rows/)
  })
})

test('hundreds of thousands of rows are dealt', () => {
  const labels = digits(300_000)
  for (const named of [
    { classes: { perClient: 5 } },
    { dirichlet: { alpha: 0.01, per: 'class' } },
    { gamma: { gamma: 0.5 } },
  ]) {
    expect(sizes(splitBy(named, labels, 2)).reduce((a, b) => a + b)).toBe(300_000)
  }
  expect(Math.min(...sizes(splitBy({ 'dirichlet-quantity': { alpha: 1e-6, minimum: 120_000 } }, labels, 2)))).toBe(
    120_000,
  )
})

test('short parts are filled from the longest, again and again', () => {
  const fill = (parts: number[][], minimum?: number) => settled(parts, minimum).map((part) => [...part])
  expect(fill([[], [1, 2, 3], [4, 5, 6, 7], []])).toEqual([[7], [1, 2], [4, 5, 6], [3]])
  expect(fill([[3, 1], [2]])).toEqual([[1, 3], [2]])
  expect(fill([[], [1], []])).toEqual([[], [1], []])
  fc.assert(
    fc.property(
      fc.array(fc.nat({ max: 12 }), { minLength: 1, maxLength: 9 }),
      fc.integer({ min: 1, max: 5 }),
      (lengths, minimum) => {
        let next = 0
        const parts = lengths.map((length) => Array.from({ length }, () => next++))
        const slow = [...lengths]
        if (next >= lengths.length * minimum) {
          for (const [i] of slow.entries()) {
            while (slow[i]! < minimum) {
              const largest = slow.indexOf(Math.max(...slow))
              slow[largest]!--
              slow[i]!++
            }
          }
        }
        expect(settled(parts, minimum).map((part) => part.length)).toEqual(slow)
      },
    ),
  )
})

describe('k-fold over clients', () => {
  test('each client is held out once', () => {
    const folds = kFold(11, 4, randomOf(1))
    expect(folds.map((fold) => fold.heldOut.length)).toEqual([3, 3, 3, 2])
    expect(folds.flatMap((fold) => fold.heldOut).sort((a, b) => a - b)).toEqual(Array.from({ length: 11 }, (_, i) => i))
    for (const { train, heldOut } of folds) {
      expect([...train, ...heldOut].sort((a, b) => a - b)).toEqual(Array.from({ length: 11 }, (_, i) => i))
      expect(train).toEqual([...train].sort((a, b) => a - b))
    }
    expect(kFold(11, 4, randomOf(1))).toEqual(folds)
  })

  test.each([1, 0, 12, 2.5])('%d folds of 11 clients are refused', (k) => {
    expect(() => kFold(11, k, randomOf(1))).toThrow(ParleyError)
  })
})
