/** Eigenvalues, exhaustive searches and clusters against slow and obvious versions of themselves. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  cosineDistances,
  type Distances,
  firstGroupOf,
  largestOf,
  twoClusters,
  twoMeans,
} from '../../../core/aggregation/clusters.ts'
import { eigenvaluesBelow, topEigenpair, topEigenvalue } from '../../../core/aggregation/eigen.ts'
import { type Gram, squaredDistance } from '../../../core/aggregation/gram.ts'
import { ascending, smallest } from '../../../core/aggregation/order.ts'
import { tightest } from '../../../core/aggregation/rules/mda.ts'
import { leastSpread } from '../../../core/aggregation/rules/smea.ts'
import { randomOf } from '../../../core/random/random.ts'
import { gramOf, leftOutOf, meanVector } from './vectors.ts'

const seeds = fc.integer({ min: 0, max: 2 ** 31 })

function vectors(seed: number, n: number, d: number, value = () => 0): Float64Array[] {
  const random = randomOf(seed, 'vectors')
  return Array.from({ length: n }, () => Float64Array.from({ length: d }, () => value() + random.normal()))
}

/** Cyclic Jacobi: every eigenvalue, in ascending order. */
function eigenvalues({ size, values }: Gram): number[] {
  const a = values.slice()
  const at = (i: number, j: number) => a[i * size + j]!
  for (let sweep = 0; sweep < 30; sweep++) {
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) {
        if (at(p, q) === 0) continue
        const theta = (at(q, q) - at(p, p)) / (2 * at(p, q))
        const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1))
        const c = 1 / Math.sqrt(t * t + 1)
        const s = t * c
        for (let k = 0; k < size; k++) {
          const [kp, kq] = [at(k, p), at(k, q)]
          a[k * size + p] = c * kp - s * kq
          a[k * size + q] = s * kp + c * kq
        }
        for (let k = 0; k < size; k++) {
          const [pk, qk] = [at(p, k), at(q, k)]
          a[p * size + k] = c * pk - s * qk
          a[q * size + k] = s * pk + c * qk
        }
      }
    }
  }
  return Array.from({ length: size }, (_, i) => at(i, i)).sort((x, y) => x - y)
}

function* subsets(n: number, k: number, from = 0): Generator<number[]> {
  if (k === 0) yield []
  else for (let i = from; i <= n - k; i++) for (const rest of subsets(n, k - 1, i + 1)) yield [i, ...rest]
}

describe('the top eigenpair', () => {
  function expectPair(matrix: Gram): void {
    const { value, vector } = topEigenpair(matrix)
    const all = eigenvalues(matrix)
    const scale = Math.max(...all.map(Math.abs), Number.MIN_VALUE)
    expect(Math.abs(value - all.at(-1)!) / scale).toBeLessThan(1e-13)
    expect(topEigenvalue(matrix)).toBe(value)
    expect(Math.hypot(...vector)).toBeCloseTo(1, 13)
    expect(vector[ascending(vector.map((entry) => -Math.abs(entry)))[0]!]).toBeGreaterThan(0)
    for (let i = 0; i < matrix.size; i++) {
      const row = matrix.values.slice(i * matrix.size, (i + 1) * matrix.size)
      const image = row.reduce((sum, entry, j) => sum + entry * vector[j]!, 0)
      expect(Math.abs(image - value * vector[i]!) / scale).toBeLessThan(1e-13)
    }
    expect(eigenvaluesBelow(matrix, value + 1e-12 * scale)).toBe(true)
    expect(eigenvaluesBelow(matrix, value - 1e-12 * scale)).toBe(false)
  }

  test('is that of Jacobi, for any rank and scale', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 25 }), fc.integer({ min: 1, max: 30 }), (seed, n, d) => {
        const scale = 10 ** (randomOf(seed).below(81) - 40)
        expectPair(gramOf(vectors(seed, n, d).map((row) => row.map((value) => value * scale))))
      }),
      { numRuns: 100 },
    )
  })

  test('also of matrices with negative eigenvalues', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 20 }), (seed, size) => {
        const random = randomOf(seed)
        const values = new Float64Array(size * size)
        for (let i = 0; i < size; i++) {
          for (let j = 0; j <= i; j++) values[i * size + j] = values[j * size + i] = random.normal()
        }
        expectPair({ size, values })
      }),
      { numRuns: 100 },
    )
  })

  test.each([
    ['one number', [[4]]],
    [
      'a diagonal',
      [
        [1, 0, 0],
        [0, 3, 0],
        [0, 0, 3],
      ],
    ],
    [
      'blocks with the same eigenvalue',
      [
        [2, 1, 0, 0],
        [1, 2, 0, 0],
        [0, 0, 2, 1],
        [0, 0, 1, 2],
      ],
    ],
    [
      'ones',
      [
        [1, 1, 1],
        [1, 1, 1],
        [1, 1, 1],
      ],
    ],
    [
      'a huge entry',
      [
        [1e60, 1, 1e30],
        [1, 1, 1],
        [1e30, 1, 2],
      ],
    ],
    [
      'only negative ones',
      [
        [-2, 0],
        [0, -3],
      ],
    ],
  ])('of %s', (_name, rows) => {
    expectPair({ size: rows.length, values: Float64Array.from(rows.flat()) })
  })

  test('of nothing but zeros is zero', () => {
    const { value, vector } = topEigenpair({ size: 3, values: new Float64Array(9) })
    expect([value, ...vector]).toEqual([0, 1, 0, 0])
  })
})

describe('the exhaustive rules', () => {
  const sizes = fc.record({ n: fc.integer({ min: 1, max: 9 }), f: fc.integer({ min: 0, max: 4 }) })

  function best(n: number, f: number, cost: (points: number[]) => number): number[] {
    let [found, least] = [[] as number[], Number.POSITIVE_INFINITY]
    for (const points of subsets(n, n - f)) {
      const value = cost(points)
      if (value < least) [found, least] = [points, value]
    }
    return found
  }

  test('mda finds the tightest choice, the first of equal ones', () => {
    fc.assert(
      fc.property(seeds, sizes, fc.boolean(), (seed, { n, f }, ties) => {
        if (2 * f >= n) return
        const rows = vectors(seed, n, 2).map((row) => (ties ? row.map(Math.round) : row))
        const gram = gramOf(rows)
        const diameter = (points: number[]) =>
          Math.max(...points.flatMap((i) => points.map((j) => squaredDistance(gram, i, j))))
        const { points, diameter: found } = tightest({ gram, n }, f)
        expect(points).toEqual(best(n, f, diameter))
        expect(found).toBeCloseTo(Math.sqrt(diameter(points)), 12)
      }),
      { numRuns: 300 },
    )
  })

  test('smea finds the choice that spreads least', () => {
    fc.assert(
      fc.property(seeds, sizes, (seed, { n, f }) => {
        if (2 * f >= n) return
        const rows = vectors(seed, n, 5)
        const spread = (points: number[]) => {
          const mean = meanVector(points.map((i) => rows[i]!))
          return eigenvalues(gramOf(points.map((i) => rows[i]!.map((value, j) => value - mean[j]!)))).at(-1)!
        }
        expect(leastSpread({ gram: gramOf(rows), n }, f)).toEqual(best(n, f, spread))
      }),
      { numRuns: 100 },
    )
  })

  test('what differs by rounding only does not differ: smea takes the first choice, caf leaves out nobody', () => {
    for (let seed = 0; seed < 30; seed++) {
      const same = Array.from({ length: 11 }, () => vectors(seed, 1, 30)[0]!)
      expect(leastSpread({ gram: gramOf(same), n: 11 }, 4)).toEqual([0, 1, 2, 3, 4, 5, 6])
      expect(leftOutOf('caf', { f: 4 }, { points: same })).toEqual({})
    }
  })
})

describe('clusters', () => {
  const distancesOf = (rows: readonly Float64Array[]): Distances => ({
    n: rows.length,
    values: Float64Array.from(rows.flatMap((a) => rows.map((b) => Math.hypot(...a.map((value, j) => value - b[j]!))))),
  })
  const line = (...values: number[]) => distancesOf(values.map((value) => Float64Array.of(value)))

  test('twins are at distance 0, not at a rounding of it', () => {
    for (let seed = 0; seed < 20; seed++) {
      const twin = vectors(seed, 1, 9)[0]!
      expect([...cosineDistances(gramOf([twin, twin]), 2).values]).toEqual([0, 0, 0, 0])
    }
  })

  test('the first group of a size is a component at the smallest distance that makes one so large', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 12 }), (seed, n) => {
        const distances = distancesOf(vectors(seed, n, 2))
        const size = 1 + randomOf(seed).below(n)
        const within = (limit: number, start: number) => {
          const reached = new Set([start])
          for (const i of reached) {
            for (let j = 0; j < n; j++) if (distances.values[i * n + j]! <= limit) reached.add(j)
          }
          return [...reached].sort((a, b) => a - b)
        }
        const limits = [...new Set(distances.values)].sort((a, b) => a - b)
        const groups = limits.flatMap((limit) => Array.from({ length: n }, (_, start) => within(limit, start)))
        expect(firstGroupOf(size, distances)).toEqual(groups.find((group) => group.length >= size))
      }),
    )
  })

  test('average linkage measures the mean over all pairs', () => {
    // {0, 1} and {5.5, 6.5} are 5.5 apart in the mean, and 4.5 at their nearest; 11.1 is 5.1 from the second.
    expect(twoClusters(line(0, 5.5, 1, 6.5, 11.1))).toEqual([
      [0, 2],
      [1, 3, 4],
    ])
    expect(twoClusters(line(7))).toEqual([[0]])
    expect(twoClusters(line(7, 9))).toEqual([[0], [1]])
  })

  test('the larger cluster counts, of equal ones that with the lowest index', () => {
    expect(
      largestOf([
        [0, 2],
        [1, 3, 4],
      ]),
    ).toEqual([1, 3, 4])
    expect(
      largestOf([
        [1, 3],
        [0, 2],
      ]),
    ).toEqual([0, 2])
  })

  test('2-means starts at the ends and settles', () => {
    expect(twoMeans([[0], [1], [10], [2], [11]])).toEqual([
      [0, 1, 3],
      [2, 4],
    ])
    expect(
      twoMeans([
        [1, 2],
        [1, 2],
      ]),
    ).toEqual([[0, 1]])
    expect(twoMeans([[3]])).toEqual([[0]])
  })
})

test('the smallest values are those of a full sort, of equal ones the first', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1 }), fc.nat(20), (values, count) => {
      expect(smallest(values, count)).toEqual(
        ascending(values)
          .slice(0, count)
          .sort((a, b) => a - b),
      )
    }),
  )
})
