/** What the contract tests have to know about each rule and stage; a name that is missing here does not compile. */
import type { RuleName, StageName } from '../../../core/aggregation/registry.ts'
import { type Given, vectorsOf } from './vectors.ts'

type Example = { readonly options: object; readonly given: Given; readonly expected: readonly (readonly number[])[] }

/**
 * How far f arbitrary updates may draw the result: proven constants, not measured ones.
 * - `diameter`: its distance to the honest mean in honest diameters;
 * - `norm`: it is no longer than the longest honest update (or the root update);
 * - `radius`: it stays within this distance of the centre;
 * - `none`: the reason why there is no such bound.
 */
type Bound =
  | { readonly diameter: (n: number, f: number, d: number) => number }
  | { readonly norm: true }
  | { readonly radius: number }
  | { readonly none: string }

export type RuleCase = {
  readonly options: (f: number) => object
  /** Or the reason why F(x + t) is not F(x) + t. */
  readonly translation: true | string
  /** What the coefficients add up to; absent for reductions. */
  readonly sum?: 'one' | 'at most one' | 'scaled to the root'
  readonly bound: Bound
  /** What becomes of updates that are all the same: the update, or the reason for something else. */
  readonly unanimous: true | string
  readonly byHand: Example
}

const withF = (f: number) => ({ f })
const line = (...values: number[]): Given => ({ points: vectorsOf(values.map((value) => [value])) })
const towards = 'it looks at directions and lengths from the origin'
const half = Math.sqrt(0.5)

/** FoolsGold by hand: cosines 0.7, 0.5 and 0; the third is pardoned to 0.5·0.5/0.7; α = 0.3, 0.3, 1 − 0.25/0.7. */
const likeness = vectorsOf([
  [1, 0, 0],
  [0.7, Math.sqrt(0.51), 0],
  [0, 0.5 / Math.sqrt(0.51), Math.sqrt(1 - 0.25 / 0.51)],
])
const share = 0.3 / (1 - 0.25 / 0.7)
const weight = Math.log(share / (1 - share)) + 0.5

export const ruleCases: { readonly [Name in RuleName]: RuleCase } = {
  mean: {
    options: () => ({}),
    translation: true,
    sum: 'one',
    bound: { none: 'one update moves it anywhere' },
    unanimous: true,
    byHand: { options: { weights: 'samples' }, given: { ...line(1, 2, 6), samples: [1, 1, 2] }, expected: [[3.75]] },
  },
  median: {
    options: withF,
    translation: true,
    bound: { diameter: (_n, _f, d) => Math.sqrt(d) },
    unanimous: true,
    byHand: { options: {}, given: line(1, 10, 3, 2), expected: [[2.5]] },
  },
  'trimmed-mean': {
    options: withF,
    translation: true,
    bound: { diameter: (_n, _f, d) => Math.sqrt(d) },
    unanimous: true,
    byHand: { options: { f: 1 }, given: line(1, 2, 3, 4, 1e30), expected: [[3]] },
  },
  meamed: {
    options: withF,
    translation: true,
    bound: { diameter: (_n, _f, d) => 2 * Math.sqrt(d) },
    unanimous: true,
    byHand: { options: { f: 1 }, given: line(0, 1, 2, 10), expected: [[1]] },
  },
  'geometric-median': {
    options: (f) => ({ f, smoothing: 1e-3, iterations: 100 }),
    translation: 'it starts from zero',
    sum: 'one',
    bound: { diameter: (n, f) => (2 * (n - f)) / (n - 2 * f) },
    unanimous: true,
    // β = ½, ¼.
    byHand: { options: { iterations: 1 }, given: line(2, 4), expected: [[8 / 3]] },
  },
  krum: {
    options: withF,
    translation: true,
    sum: 'one',
    bound: { diameter: (n) => 1 + Math.sqrt(n) },
    unanimous: true,
    // Scores 21, 11, 9, 29 and more.
    byHand: { options: { f: 1 }, given: line(0, 1, 2, 4, 100), expected: [[2]] },
  },
  'multi-krum': {
    options: withF,
    translation: true,
    sum: 'one',
    bound: { diameter: (n) => 1 + Math.sqrt(n) },
    unanimous: true,
    byHand: { options: { f: 1, m: 2 }, given: line(0, 1, 2, 4, 100), expected: [[1.5]] },
  },
  bulyan: {
    options: withF,
    translation: true,
    bound: { diameter: (_n, _f, d) => 2 * Math.sqrt(d) },
    unanimous: true,
    // Picks 3, 2, 1, 7 and 0; of these the three nearest to 2.
    byHand: { options: { f: 1 }, given: line(0, 1, 2, 3, 7, 8, 100), expected: [[2]] },
  },
  'centered-clipping': {
    options: (f) => ({ f, radius: 2, iterations: 3 }),
    translation: 'it starts from the last aggregate, which stays where it is',
    sum: 'one',
    bound: { radius: 6 },
    unanimous: 'it takes as many steps as the way is long',
    // From 1: the differences 4 and −½, the first clipped to 2.
    byHand: { options: { radius: 2 }, given: { ...line(5, 0.5), center: Float64Array.of(1) }, expected: [[1.75]] },
  },
  mda: {
    options: withF,
    translation: true,
    sum: 'one',
    bound: { diameter: () => 2 },
    unanimous: true,
    byHand: { options: { f: 1 }, given: line(10, 0, 1, 2.5), expected: [[3.5 / 3]] },
  },
  monna: {
    options: (f) => ({ f, trusted: 'c0' }),
    translation: true,
    sum: 'one',
    bound: { diameter: () => 2 },
    unanimous: true,
    byHand: { options: { f: 1, trusted: 'c2' }, given: line(0, 1, 5, 6), expected: [[4]] },
  },
  caf: {
    options: withF,
    translation: true,
    sum: 'one',
    bound: { diameter: (n, f) => Math.sqrt(((6 * f) / (n - 2 * f)) * (1 + f / (n - 2 * f))) },
    unanimous: true,
    // Squared projections 1, 1, 4: the last loses all trust, and the others do not differ.
    byHand: { options: { f: 1 }, given: line(0, 0, 3), expected: [[0]] },
  },
  smea: {
    options: withF,
    translation: true,
    sum: 'one',
    bound: { diameter: (n, f) => 2 * Math.sqrt(f / (n - 2 * f)) * (1 + f / (n - 2 * f)) },
    unanimous: true,
    byHand: { options: { f: 1 }, given: line(0, 10, 1, 2), expected: [[1]] },
  },
  dnc: {
    options: withF,
    translation: true,
    sum: 'one',
    bound: { none: 'attackers in several directions hide behind the one who pulls farthest' },
    unanimous: true,
    byHand: {
      options: { f: 1 },
      given: {
        points: vectorsOf([
          [0, 0],
          [0, 10],
          [1, 0],
          [0, 1],
        ]),
      },
      expected: [[1 / 3, 1 / 3]],
    },
  },
  fltrust: {
    options: () => ({}),
    translation: towards,
    sum: 'scaled to the root',
    bound: { norm: true },
    unanimous: 'it has the length of the root update',
    // Scores 1, 0, 0, √½; rescaled (2, 0) and (√2, √2).
    byHand: {
      options: {},
      given: {
        points: vectorsOf([
          [4, 0],
          [0, 5],
          [-1, 0],
          [1, 1],
        ]),
        root: Float64Array.of(2, 0),
      },
      expected: [[3 / (1 + half), 1 / (1 + half)]],
    },
  },
  foolsgold: {
    options: () => ({}),
    translation: towards,
    sum: 'one',
    bound: { none: 'it looks for clients that agree; a single attacker goes unnoticed' },
    unanimous: 'clients that agree entirely are taken for one attacker',
    byHand: {
      options: {},
      given: { points: likeness, histories: likeness.map((row) => row.map(() => 0)) },
      expected: [
        Array.from(likeness[0]!, (_, j) => {
          const [a, b, c] = likeness.map((row) => row[j]!) as [number, number, number]
          return (weight * a + weight * b + c) / (2 * weight + 1)
        }),
      ],
    },
  },
  flame: {
    options: withF,
    translation: towards,
    sum: 'at most one',
    bound: { norm: true },
    unanimous: true,
    // The first three agree; the median of all norms is 2.
    byHand: {
      options: {},
      given: {
        points: vectorsOf([
          [1, 0],
          [6, 0],
          [1, 0.1],
          [0, 2],
          [-5, 0],
        ]),
      },
      expected: [[4 / 3, 0.1 / 3]],
    },
  },
  signguard: {
    options: withF,
    translation: towards,
    sum: 'at most one',
    bound: { norm: true },
    unanimous: true,
    // The fourth has other signs, the fifth is 100 times as long, the second is shortened to the median norm 2.
    byHand: {
      options: {},
      given: {
        points: vectorsOf([
          [1, 1, 1, -1],
          [2, 2, 2, -2],
          [1, 1, -1, 1],
          [-1, -1, -1, -1],
          [100, 100, 100, -100],
        ]),
      },
      expected: [[1, 1, 1 / 3, -1 / 3]],
    },
  },
  'clipped-clustering': {
    options: withF,
    translation: towards,
    sum: 'at most one',
    bound: { norm: true },
    unanimous: true,
    // The median of 4, 1, 2, 2 and of the remembered 1, 1, 2, 3 is 2.
    byHand: {
      options: {},
      given: {
        points: vectorsOf([
          [4, 0],
          [1, 0],
          [2, 0],
          [0, 2],
        ]),
        remembered: [1, 1, 2, 3],
      },
      expected: [[5 / 3, 0]],
    },
  },
}

export type StageCase = {
  readonly options: (f: number) => object
  /** Or the reason why M·(x + t) is not M·x + t. */
  readonly translation: true | string
  readonly byHand: Example
}

export const stageCases: { readonly [Name in StageName]: StageCase } = {
  nnm: {
    options: withF,
    translation: true,
    byHand: { options: { f: 1 }, given: line(0, 1, 10), expected: [[0.5], [0.5], [5.5]] },
  },
  clip: {
    options: () => ({ norm: 2 }),
    translation: 'it measures from the origin',
    byHand: { options: { norm: 2 }, given: line(4, 1, 0), expected: [[2], [1], [0]] },
  },
  arc: {
    options: withF,
    translation: 'it measures from the origin',
    byHand: { options: { f: 1 }, given: line(1, 9, 2), expected: [[1], [2], [2]] },
  },
  bucketing: {
    options: () => ({ size: 2 }),
    translation: true,
    byHand: { options: { size: 3 }, given: line(1, 2, 6), expected: [[3]] },
  },
  fednova: {
    options: () => ({}),
    translation: 'it scales',
    byHand: { options: {}, given: { ...line(1, 3), steps: [1, 3] }, expected: [[2], [2]] },
  },
}
