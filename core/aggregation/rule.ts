import type { z } from 'zod'
import type { Gram, Matrix } from './gram.ts'

/** How many coordinates of one update are above, below and equal to zero. */
export type SignCounts = { readonly positive: number; readonly negative: number; readonly zero: number }

/**
 * What a rule or a stage before it sees of a round. *Points* are the vectors that it combines: the updates, in the order
 * of client ids, or what the stages before made of them. It never sees the vectors, only their inner products, so it
 * costs the same for every size of model.
 */
export type RuleInput = {
  /** Inner products of the n points and, after them, of the extra rows that the rule asks for. */
  readonly gram: Gram
  readonly n: number
  /** Ids of the points' clients, in ascending order; after a stage that mixes they mean nothing. */
  readonly clients: readonly string[]
  /** Training rows of each point, at least 1, within the plan's bounds. */
  readonly samples: readonly number[]
  /** Local steps of each point, at least 1: how far a client went to its update, in steps of plain descent. */
  readonly steps: readonly number[]
  /** Of each point; only for rules that ask for them. */
  readonly signs?: readonly SignCounts[]
  /** Where the rows that the rule asks for lie in the gram, from n on. */
  readonly extra: ExtraRows
  /** Numbers that the rule left behind in the last round; none in the first. */
  readonly remembered: readonly number[]
  /** For draws: unforeseeable before the updates are in, and the same whenever the round is computed again. */
  readonly seed: number
}

export type ExtraRows = {
  /** The update that the coordinator made on its own data. */
  readonly root?: number
  /** The aggregate of the last round; zero in the first. */
  readonly center?: number
  /** For each point the sum of its client's earlier updates; zero for a new client. */
  readonly histories?: readonly number[]
}

/** A point that has no part in the result, and why, in words for a person. */
export type LeftOut = { readonly point: number; readonly why: string }

/** A result that lies in the span of the rows: Σ cₐ·xₐ. */
export type Combination = {
  readonly kind: 'combination'
  /** One for each row of the gram: points, then extra rows. */
  readonly coefficients: Float64Array
  readonly leftOut: readonly LeftOut[]
  /** What the rule wants to find again in the next round; at most 10,000 numbers. */
  readonly remember?: readonly number[]
}

/** A result that is worked out coordinate by coordinate, from the values that some points have there. */
export type Reduction = {
  readonly kind: 'reduction'
  /** In ascending order; at least one. */
  readonly points: readonly number[]
  readonly reduce: ColumnReduction
  readonly leftOut: readonly LeftOut[]
}

/**
 * - `trimmed-mean`: the mean of the values without the `drop` smallest and the `drop` largest; 2·drop < points;
 * - `nearest-median`: the mean of the `keep` values nearest to the median (of an even number: the mean of the two in the
 *   middle); of two equally far ones the smaller; 1 ≤ keep ≤ points.
 */
export type ColumnReduction =
  | { readonly kind: 'trimmed-mean'; readonly drop: number }
  | { readonly kind: 'nearest-median'; readonly keep: number }

/** An aggregation rule: pure, deterministic, ties broken by the lowest index. */
export type Rule<Options> = {
  readonly options: z.ZodType<Options>
  /**
   * The largest number of attackers among n points that the rule tolerates; below 0 when it cannot work with n at all.
   * A rule without protection tolerates none.
   */
  readonly breakdown: (n: number, options: Options) => number
  /** The same as a condition for people: `2f + 2 < n`. */
  readonly condition: string
  /** The number of attackers that the options assume; absent where the rule assumes none. */
  readonly attackers: (options: Options) => number | undefined
  /** Whether `decide` reads the gram; a rule that does not spares the round a pass. */
  readonly usesGram: boolean
  /** The row that the rule asks for. */
  readonly extra?: keyof ExtraRows
  /** Whether `decide` reads `signs`. */
  readonly usesSigns?: true
  /** The rule speaks of single clients: no stage before it may mix them. */
  readonly perClient?: true
  /** `decide` searches: it may take longer than a coordinator can stop listening. */
  readonly searches?: true
  readonly decide: (input: RuleInput, options: Options) => Combination | Reduction
}

/** A rule, whatever its options are: `decide` takes what `options` has parsed. */
export type AnyRule = Omit<Rule<never>, 'options'> & { readonly options: z.ZodType }

/** Rules by their names in a plan. */
export type RuleTable = Readonly<Record<string, AnyRule>>

/** A stage before the rule, which replaces the points: pure, deterministic. */
export type Stage<Options> = {
  readonly options: z.ZodType<Options>
  /** Like a rule's; `Number.POSITIVE_INFINITY` where the stage does not care. */
  readonly breakdown: (n: number, options: Options) => number
  readonly condition: string
  readonly attackers: (options: Options) => number | undefined
  /** Whether the stage wants `f`: where its own is absent it takes the rule's. */
  readonly wantsAttackers: boolean
  /** Whether a new point is made of several old ones. */
  readonly mixes: boolean
  /** How many points come out of n. */
  readonly count: (n: number, options: Options) => number
  /** New points as combinations of the old ones: m × n. */
  readonly apply: (input: RuleInput, options: Options & { readonly f: number }) => Matrix
}

/** Keeps the type of a rule's options, which TypeScript then infers from its schema. */
export function defineRule<Options>(rule: Rule<Options>): Rule<Options> {
  return rule
}

export function defineStage<Options>(stage: Stage<Options>): Stage<Options> {
  return stage
}

/** The mean of some points; every other point is left out because of `why`. */
export function meanOf(
  { gram, n }: Pick<RuleInput, 'gram' | 'n'>,
  points: readonly number[],
  why: (point: number) => string,
): Combination {
  const coefficients = new Float64Array(gram.size)
  for (const point of points) coefficients[point] = 1 / points.length
  const kept = new Set(points)
  const leftOut = Array.from({ length: n }, (_, point) => point)
    .filter((point) => !kept.has(point))
    .map((point) => ({ point, why: why(point) }))
  return { kind: 'combination', coefficients, leftOut }
}
