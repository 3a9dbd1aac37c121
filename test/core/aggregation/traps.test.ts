/** Mistakes that public implementations of the rules have made, each with a case in which it shows. */
import { describe, expect, test } from 'vitest'
import { type RuleName, rules } from '../../../core/aggregation/registry.ts'
import { bulyanPicks } from '../../../core/aggregation/rules/bulyan.ts'
import { krumScores } from '../../../core/aggregation/rules/krum.ts'
import { binomial, MOST_SUBSETS } from '../../../core/aggregation/subsets.ts'
import { ruleCases } from './rule-cases.ts'
import {
  coefficientsOf,
  decideOn,
  gramOf,
  inputOf,
  leftOutOf,
  matrixOf,
  optionsOf,
  resultOf,
  ruleOf,
  stageOf,
  vectorsOf,
} from './vectors.ts'

const line = (...values: number[]) => vectorsOf(values.map((value) => [value]))
const ruleNames = Object.keys(rules) as RuleName[]

describe('Krum', () => {
  test('adds up squared distances, not their squares', () => {
    // Distances of the first: 7, 1 and 5, of which the two smallest count.
    expect([...krumScores(inputOf({ points: line(0, 7, -1, 5) }).input, 1)]).toEqual([26, 53, 37, 29])
  })

  test('counts a twin as a neighbour, not as the point itself', () => {
    expect([...krumScores(inputOf({ points: line(0, 0, 0, 3, 9) }).input, 1)]).toEqual([9, 9, 9, 27, 198])
  })

  test('takes the first of equals', () => {
    expect(coefficientsOf('krum', { f: 1 }, { points: line(9, 1, 1, 1, 1) })).toEqual([0, 1, 0, 0, 0])
  })
})

describe('Bulyan', () => {
  test('picks in the same order when rounding has broken the ties', () => {
    const numbers = [0, 7, 2, 3, 1, 8, 100]
    // Here 1 comes out nearer to the others than 7 by 10⁻¹⁴.
    const rounded = vectorsOf(numbers.map((value) => [1, 2, 3].map((j) => value * Math.sin(j))))
    for (const points of [line(...numbers), rounded]) {
      expect(bulyanPicks(inputOf({ points }).input, 1)).toEqual([3, 2, 1, 0, 4])
    }
  })
})

describe('twins', () => {
  test('stand beside a point in nearest-neighbour mixing, and do not take its place', () => {
    const matrix = matrixOf('nnm', { f: 2 }, { points: line(0, 0, 0, 0, 0, 5) })
    const row = (i: number) => [...matrix.values.slice(6 * i, 6 * (i + 1))]
    // Of five at distance 0 the point itself and the three with the lowest indices.
    expect(row(4)).toEqual([0.25, 0.25, 0.25, 0, 0.25, 0])
    expect(row(5)).toEqual([0.25, 0.25, 0.25, 0, 0, 0.25])
  })

  test('do not push out the trusted update', () => {
    expect(coefficientsOf('monna', { f: 1, trusted: 'c2' }, { points: line(3, 3, 3) })).toEqual([0.5, 0, 0.5])
  })

  test.each(ruleNames)('change places under %s without a bit of difference', (name) => {
    const points = vectorsOf([
      [1, 2],
      [1, 2],
      [0.5, 2.5],
      [1.25, 1.5],
      [1.5, 2],
      [0.75, 2.25],
      [9, -7],
    ])
    const given = { points, root: points[2]!, center: points[3]!, histories: points.map(() => new Float64Array(2)) }
    const twisted = { ...given, points: [points[1]!, points[0]!, ...points.slice(2)] }
    const options = ruleCases[name].options(1)
    expect(resultOf(name, options, twisted)).toEqual(resultOf(name, options, given))
  })
})

describe('the filter of norms', () => {
  const alike = (...lengths: number[]) => vectorsOf(lengths.map((length) => [length, length, length, -length]))

  test('is measured before anything is clipped', () => {
    const given = { points: alike(1, 1.1, 0.9, 1, 10) }
    expect(leftOutOf('signguard', {}, given)).toEqual({ 4: 'norm 10 times the median' })
  })

  test('decides alone, and says so, where nobody passes both tests', () => {
    // The larger cluster is far too long or too short; the only fitting norms have other signs.
    const given = {
      points: vectorsOf([
        [0.01, 0.01],
        [0.01, 0.01],
        [-1, -1],
        [-1, -1],
        [90, 90],
        [90, 90],
      ]),
    }
    const why = leftOutOf('signguard', {}, given)
    expect(Object.keys(why)).toEqual(['0', '1', '4', '5'])
    expect(why[4]).toBe('norm 90 times the median; norms decided alone, since no update passed both tests')
    expect([...resultOf('signguard', {}, given)]).toEqual([-1, -1])
  })

  test('takes zero updates where most are zero', () => {
    expect(leftOutOf('signguard', {}, { points: alike(0, 0, 0, 2) })).toEqual({ 3: 'norm 4, the median 0' })
  })
})

describe('nothing divided by nothing', () => {
  const root = Float64Array.of(1, 0)

  test('is a zero result under FLTrust when nobody points the way of the root update', () => {
    const given = {
      points: vectorsOf([
        [-1, 0],
        [0, 3],
        [0, 0],
      ]),
      root,
    }
    expect(coefficientsOf('fltrust', {}, given)).toEqual([0, 0, 0, 0])
    expect(leftOutOf('fltrust', {}, given)).toEqual({
      0: 'cosine −1 to the root update',
      1: 'cosine 0 to the root update',
      2: 'cosine 0 to the root update',
    })
    expect(coefficientsOf('fltrust', {}, { points: [root], root: new Float64Array(2) })).toEqual([0, 0])
  })

  test('is weight 1 for a single client under FoolsGold, with a history or without', () => {
    for (const history of [root, new Float64Array(2)]) {
      for (const point of [root, new Float64Array(2)]) {
        expect(coefficientsOf('foolsgold', {}, { points: [point], histories: [history] })).toEqual([1, 0])
      }
    }
  })

  test('is no likeness of zero histories under FoolsGold', () => {
    const zero = new Float64Array(2)
    const given = { points: [zero, root, zero], histories: [zero, zero, zero] }
    expect(coefficientsOf('foolsgold', {}, given).slice(0, 3)).toEqual([1 / 3, 1 / 3, 1 / 3])
  })

  test('is a zero result under FoolsGold where all are copies of each other', () => {
    const given = { points: [root, root], histories: [root, root] }
    expect(coefficientsOf('foolsgold', {}, given)).toEqual([0, 0, 0, 0])
    expect(leftOutOf('foolsgold', {}, given)).toEqual({
      0: "cosine 1 to another client's history",
      1: "cosine 1 to another client's history",
    })
  })

  test('is a zero update as it was, when it is clipped', () => {
    const given = { points: line(0, 0, 0, 1), center: Float64Array.of(0) }
    expect([...matrixOf('clip', { norm: 1 }, given).values].filter((value) => value !== 0)).toEqual([1, 1, 1, 1])
    expect([...matrixOf('arc', { f: 1 }, given).values].filter((value) => value !== 0)).toEqual([1, 1, 1])
    expect([...resultOf('centered-clipping', {}, given)]).toEqual([0.25])
  })
})

describe('FoolsGold', () => {
  test('compares what clients have sent so far, this round included', () => {
    const points = vectorsOf([
      [0, 1],
      [1, 0],
      [0, 1],
    ])
    const histories = vectorsOf([
      [2, -1],
      [0, 0],
      [0, 0],
    ])
    // The sums are (2, 0), (1, 0) and (0, 1).
    expect(coefficientsOf('foolsgold', {}, { points, histories }).slice(0, 3)).toEqual([0, 0, 1])
  })

  test('gives full weight to a client that is like nobody', () => {
    // Cosines of the first to the others −0.95, −0.75 and −0.7; 0.9 between the next two, 0.665 from there to the last.
    const points = vectorsOf([
      [-1, 0, 0, 0],
      [0.95, Math.sqrt(1 - 0.9025), 0, 0],
      [0.75, 0.6, Math.sqrt(1 - 0.5625 - 0.36), 0],
      [0.7, 0, 0, Math.sqrt(0.51)],
    ])
    const histories = points.map(() => new Float64Array(4))
    const coefficients = coefficientsOf('foolsgold', {}, { points, histories })
    expect(coefficients[0]).toBeGreaterThan(0.6)
    expect(coefficients.slice(1, 3)).toEqual([0, 0])
  })
})

describe('an even number of values', () => {
  test('has the mean of the two in the middle as its median', () => {
    expect([...resultOf('median', {}, { points: line(4, 1, 2, 100) })]).toEqual([3])
  })

  test('and one huge value does not erase the others from a trimmed mean', () => {
    expect([...resultOf('trimmed-mean', { f: 1 }, { points: line(1e30, 1, 2, 3, 4, -1e30) })]).toEqual([2.5])
  })
})

test('geometric median by sample counts: equal counts are not merged into one', () => {
  const points = line(0, 1, 10)
  const options = { weights: 'samples', start: 'mean', smoothing: 1e-9, iterations: 1 }
  // From the mean 11/3: β = 1/(11/3), 1/(8/3), 1/(19/3), all three with the same count.
  const pulls = [3 / 11, 3 / 8, 3 / 19]
  const total = pulls.reduce((sum, pull) => sum + pull)
  const result = resultOf('geometric-median', options, { points, samples: [5, 5, 5] })
  expect(result[0]).toBeCloseTo((pulls[1]! + 10 * pulls[2]!) / total, 12)
  const heavy = resultOf('geometric-median', options, { points, samples: [5, 5, 500] })
  expect(heavy[0]).toBeGreaterThan(9)
})

describe('one coordinate that dominates', () => {
  const points = vectorsOf([
    [1e20, 1e-20],
    [1e20, 2e-20],
    [-1e20, 5e-324],
    [0, 1e-310],
    [1e-20, 0],
    [3e19, 1],
    [1e20, 1e-20],
  ])

  test('leaves inner products finite', () => {
    expect(gramOf(points).values.every(Number.isFinite)).toBe(true)
  })

  test.each(ruleNames)('leaves %s finite', (name) => {
    const given = { points, root: points[4]!, center: points[3]!, histories: points }
    const options = ruleCases[name].options(1)
    expect(resultOf(name, options, given).every(Number.isFinite)).toBe(true)
  })
})

describe('too few updates', () => {
  test.each([
    ['median', 2, 4],
    ['trimmed-mean', 2, 4],
    ['krum', 1, 4],
    ['multi-krum', 1, 4],
    ['bulyan', 1, 6],
    ['mda', 5, 100],
    ['smea', 1, 21],
    ['caf', 3, 6],
  ] as const)('%s does not tolerate %i of %i, and one more update or one attacker less it does', (name, f, n) => {
    const breakdown = (n: number) => ruleOf(name).breakdown(n, optionsOf(name, { f }))
    expect(breakdown(n)).toBeLessThan(f)
    if (name === 'mda' || name === 'smea') return
    expect(breakdown(n + 1)).toBeGreaterThanOrEqual(f)
  })

  test('the exhaustive rules stop where there would be more than a million subsets', () => {
    const most = (n: number) => ruleOf('mda').breakdown(n, { f: 0 })
    for (const n of [1, 2, 20, 21, 22, 23, 100, 1000, 100_000]) {
      expect(binomial(n, most(n))).toBeLessThanOrEqual(MOST_SUBSETS)
      if (2 * (most(n) + 1) < n) expect(binomial(n, most(n) + 1)).toBeGreaterThan(MOST_SUBSETS)
    }
    expect(most(100)).toBe(3)
    expect(most(23)).toBe(9)
    expect(ruleOf('smea').breakdown(20, { f: 0 })).toBe(9)
    expect(ruleOf('smea').breakdown(21, { f: 0 })).toBe(-1)
  })

  test('multi-krum averages no more than n − f', () => {
    expect(ruleOf('multi-krum').breakdown(10, { f: 1, m: 9 })).toBe(1)
    expect(ruleOf('multi-krum').breakdown(10, { f: 1, m: 10 })).toBe(0)
    expect(() => decideOn('multi-krum', { f: 1, m: 10 }, { points: line(...Array(10).keys()) })).toThrow(/m ≤ n − f/)
  })

  test('a trusted client that is not there is missed', () => {
    expect(() => decideOn('monna', { f: 0, trusted: 'c3' }, { points: line(1, 2, 3) })).toThrow(
      /no update came from c3/,
    )
  })

  test('buckets must be honest in their majority', () => {
    expect(stageOf('bucketing').breakdown(12, { size: 2 })).toBe(2)
    expect(stageOf('bucketing').breakdown(13, { size: 2 })).toBe(3)
  })
})

describe('attackers along one direction', () => {
  test('are dropped by dnc, as many as it is told', () => {
    const honest = [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
      [1, 1, 0],
      [0, 1, 1],
    ]
    const points = vectorsOf([...honest, [-1e30, 1e30, 0], [-1e30, 1e30, 0]])
    expect(Object.keys(leftOutOf('dnc', { f: 2 }, { points }))).toEqual(['5', '6'])
    expect(Object.keys(leftOutOf('dnc', { f: 2, factor: 1.5 }, { points }))).toHaveLength(3)
  })

  test('and one far beyond all others does not keep caf from seeing those', () => {
    const points = line(0.1, -0.1, 0.2, 0, -0.2, 1e30, 1e15, 50)
    const result = resultOf('caf', { f: 3 }, { points })
    expect(Math.abs(result[0]!)).toBeLessThan(0.2)
  })
})

test('clipped clustering remembers the newest 10,000 norms', () => {
  const remembered = Array.from({ length: 10_000 }, (_, i) => i)
  const verdict = decideOn('clipped-clustering', {}, { points: line(3, 4, 5), remembered })
  expect(verdict).toMatchObject({ remember: [...remembered.slice(3), 3, 4, 5] })
})

test('clipped clustering never clips to more than its largest radius', () => {
  const given = { points: line(3, 4, 5), remembered: [1e9, 1e9, 1e9, 1e9] }
  expect([...resultOf('clipped-clustering', { maxRadius: 2 }, given)]).toEqual([2])
})

test('the geometric median ends early only where it starts from the mean', () => {
  const points = vectorsOf([
    [-3, -3],
    [4, 0],
    [0, 3],
    [7, 8],
    [1, 1.5],
  ])
  const after = (start: string, iterations: number) =>
    resultOf('geometric-median', { start, iterations, smoothing: 1e-5 }, { points })
  expect(after('mean', 30)).toEqual(after('mean', 1000))
  // Both tend to (1, 1.5), up to the smoothing.
  const gap = (start: string, iterations: number) => Math.abs(after(start, iterations)[0]! - 1)
  expect(gap('mean', 1000)).toBeGreaterThan(1e-5)
  expect(gap('zero', 1000)).toBeLessThan(5e-6)
})

test('the reason why an update was left out says what was measured', () => {
  expect(leftOutOf('krum', { f: 1 }, { points: line(0, 1, 2, 4, 100) })[4]).toBe('score 28600 above 9')
  expect(leftOutOf('mda', { f: 1 }, { points: line(10, 0, 1, 2.5) })[0]).toBe(
    '10 from another update, where 3 lie within 2.5',
  )
  expect(leftOutOf('monna', { f: 1, trusted: 'c0' }, { points: line(10, 0, 1) })[1]).toBe(
    '10 from the trusted update, the kept ones within 9',
  )
})
