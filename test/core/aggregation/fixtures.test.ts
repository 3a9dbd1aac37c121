/**
 * Reference numbers of the project's shared data: byzfl's rules where it has them, definitions with exact eigenvalues
 * elsewhere (see its README). Everything in float64.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { norms } from '../../../core/aggregation/clipping.ts'
import { type Matrix, multiply, transform } from '../../../core/aggregation/gram.ts'
import { smallest } from '../../../core/aggregation/order.ts'
import type { RuleName, StageName } from '../../../core/aggregation/registry.ts'
import { bulyanPicks } from '../../../core/aggregation/rules/bulyan.ts'
import { krumScores } from '../../../core/aggregation/rules/krum.ts'
import { leastSpread } from '../../../core/aggregation/rules/smea.ts'
import { reduceColumns } from '../../support/reduce-columns.ts'
import {
  coefficientsOf,
  combined,
  distanceOf,
  inputOf,
  meanVector,
  mixed,
  optionsOf,
  resultOf,
  ruleOf,
  stageOf,
  vectorsOf,
} from './vectors.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const file = join(process.env.PARLEY_SHARED ?? join(root, '../shared'), 'fixtures/robust.json')
const missing = !existsSync(file)
if (missing) console.log(`skipped: the reference outputs are not in ${file}`)

type Trap = {
  readonly name: string
  readonly inputs: number[][]
  readonly expected?: number[]
  readonly expectedIndex?: number
  readonly scores?: number[]
}
type Fixture = {
  readonly n: number
  readonly inputs: number[][]
  readonly out: Record<string, number[] | number[][]>
  readonly SMEA_subset: number[]
  readonly 'krum_scores_n-f-2': number[]
  readonly bulyan_sel_f3: number[]
  readonly norms: number[]
  readonly dist_to_honest_mean: Record<string, number>
  readonly traps: Trap[]
}
const fixture: Fixture | undefined = missing ? undefined : JSON.parse(readFileSync(file, 'utf8'))
const points = vectorsOf(fixture?.inputs ?? [])
const zero = new Float64Array(points[0]?.length ?? 0)

type Step = readonly [name: StageName, options: object]
const mixing: Step = ['nnm', { f: 4 }]

/** What the rule makes of the points that the stages make, the stages multiplied together in Gram space. */
function through(stages: readonly Step[], name: RuleName, options: object): Float64Array {
  const { input } = inputOf({ points })
  let matrix: Matrix | undefined
  let staged = input
  for (const [stage, options] of stages) {
    const made = stageOf(stage).apply(staged, { f: 0, ...options })
    matrix = matrix === undefined ? made : multiply(made, matrix)
    staged = { ...staged, gram: transform(staged.gram, made), n: made.rows }
  }
  const rows = matrix === undefined ? points : mixed(matrix, points)
  const verdict = ruleOf(name).decide(staged, optionsOf(name, options))
  if (verdict.kind === 'combination') return combined(verdict.coefficients, rows)
  return reduceColumns(
    verdict.points.map((point) => rows[point]!),
    verdict.reduce,
  )
}

/** The n − f − 2 variant is ours with f larger by one, for the score; the mean takes as many as the real f says. */
function krumOfThePaper(m: number): Float64Array {
  const scores = krumScores(inputOf({ points }).input, 4 + 1)
  return meanVector(smallest(scores, m).map((point) => points[point]!))
}

const clipping = (radius: number, iterations: number) =>
  resultOf('centered-clipping', { radius, iterations }, { points, center: zero })

const vectors: Record<string, () => Float64Array> = {
  Average: () => resultOf('mean', {}, { points }),
  Median: () => resultOf('median', {}, { points }),
  'TrMean(f=4)': () => resultOf('trimmed-mean', { f: 4 }, { points }),
  'GeometricMedian(nu=0.1,T=3)': () => resultOf('geometric-median', {}, { points }),
  'GeometricMedian(nu=0.1,T=50)': () => resultOf('geometric-median', { iterations: 50 }, { points }),
  'Krum(f=4) [n-f nearest incl self]': () => resultOf('krum', { f: 4 }, { points }),
  'MultiKrum(f=4)': () => resultOf('multi-krum', { f: 4 }, { points }),
  'CenteredClipping(m=0,L=1,tau=1.0)': () => clipping(1, 1),
  'CenteredClipping(m=0,L=5,tau=0.5)': () => clipping(0.5, 5),
  'MDA(f=4)': () => resultOf('mda', { f: 4 }, { points }),
  'MoNNA(f=4,idx=0)': () => resultOf('monna', { f: 4, trusted: 'c0' }, { points }),
  'Meamed(f=4)': () => resultOf('meamed', { f: 4 }, { points }),
  'NNM+TrMean': () => through([mixing], 'trimmed-mean', { f: 4 }),
  'NNM+GM(0.1,3)': () => through([mixing], 'geometric-median', {}),
  'ARC+NNM+TrMean': () => through([['arc', { f: 4 }], mixing], 'trimmed-mean', { f: 4 }),
  'NNM+Krum': () => through([mixing], 'krum', { f: 4 }),
  'SMEA exact (f=4)': () => resultOf('smea', { f: 4 }, { points }),
  'CAF exact eig (f=4)': () => resultOf('caf', { f: 4 }, { points }),
  'Krum original/Flower (n-f-2)': () => krumOfThePaper(1),
  'MultiKrum original m=n-f (n-f-2)': () => krumOfThePaper(11),
  'Bulyan iterative (f=3)': () => resultOf('bulyan', { f: 3 }, { points }),
}

const stacks: Record<string, Step> = {
  'NNM(f=4)': mixing,
  'Clipping(c=2.0)': ['clip', { norm: 2 }],
  'ARC(f=4)': ['arc', { f: 4 }],
}

function expectNear(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(actual.length).toBe(expected.length)
  const errors = Array.from(actual, (value, j) => Math.abs(value - expected[j]!))
  expect(Math.max(...errors)).toBeLessThanOrEqual(1e-9)
}

describe.skipIf(missing)('the reference outputs', () => {
  test('are all compared', () => {
    expect([...Object.keys(vectors), ...Object.keys(stacks)].sort()).toEqual(Object.keys(fixture?.out ?? {}).sort())
  })

  test.each(Object.keys(vectors))('%s', (key) => {
    const result = vectors[key]!()
    expectNear(result, fixture?.out[key] as number[])
    const honest = meanVector(points.slice(0, 11))
    const distance = fixture?.dist_to_honest_mean[key]
    if (distance !== undefined) expect(Math.abs(distanceOf(result, honest) - distance)).toBeLessThanOrEqual(1e-9)
  })

  test.each(Object.keys(stacks))('%s', (key) => {
    const [name, options] = stacks[key]!
    const made = mixed(stageOf(name).apply(inputOf({ points }).input, { f: 0, ...options }), points)
    const expected = fixture?.out[key] as number[][]
    expect(made).toHaveLength(expected.length)
    for (const [i, row] of made.entries()) expectNear(row, expected[i]!)
  })

  test('selections, scores and norms on the way', () => {
    const { input } = inputOf({ points })
    expectNear(krumScores(input, 4 + 1), fixture?.['krum_scores_n-f-2'] as number[])
    expect(bulyanPicks(input, 3)).toEqual(fixture?.bulyan_sel_f3)
    expect(leastSpread(input, 4)).toEqual(fixture?.SMEA_subset)
    expectNear(norms(input.gram, input.n), fixture?.norms as number[])
  })
})

describe.skipIf(missing)('the traps of public implementations', () => {
  const trap = (name: string): Trap => fixture!.traps.find((one) => one.name === name)!

  test('are all here', () => {
    expect(fixture?.traps.map(({ name }) => name).sort()).toEqual([
      'even-count-median',
      'krum-distance-squared-twice',
      'krum-tie',
      'trimmed-mean-huge-value',
    ])
  })

  test.each([
    ['trimmed-mean-huge-value', 'trimmed-mean', { f: 1 }],
    ['even-count-median', 'median', {}],
  ] as const)('%s', (name, rule, options) => {
    expect([...resultOf(rule, options, { points: vectorsOf(trap(name).inputs) })]).toEqual(trap(name).expected)
  })

  test.each([
    ['krum-distance-squared-twice', 2],
    ['krum-tie', 1],
  ] as const)('%s', (name, f) => {
    const given = { points: vectorsOf(trap(name).inputs) }
    expect([...krumScores(inputOf(given).input, f)]).toEqual(trap(name).scores)
    expect(coefficientsOf('krum', { f }, given).indexOf(1)).toBe(trap(name).expectedIndex)
  })
})
