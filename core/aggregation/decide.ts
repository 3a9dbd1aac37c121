import { ParleyError } from '../errors/index.ts'
import { checkFeasible } from './feasible.ts'
import { type Gram, type Matrix, multiply, transform } from './gram.ts'
import type { Pipeline, PipelineStage } from './pipeline.ts'
import type { ColumnReduction, Combination, LeftOut, Reduction, RuleInput } from './rule.ts'

/** How the updates of a round are combined, said in terms of the updates themselves. */
export type Decision = {
  readonly result:
    | { readonly kind: 'combination'; readonly coefficients: Float64Array }
    | {
        readonly kind: 'reduction'
        /** The rows that are reduced, as combinations of updates and extra rows. */
        readonly mix: Matrix
        /** The updates themselves are reduced: row k of `mix` is update `points[k]`. */
        readonly points: readonly number[] | undefined
        readonly reduce: ColumnReduction
      }
  /** For each update the factor by which the stages before the rule scaled it; undefined where they mixed it with others. */
  readonly scales: readonly (number | undefined)[]
  /** Points of the rule that have no part. Their numbers are those of the updates unless `renumbered`. */
  readonly leftOut: readonly LeftOut[]
  /** Whether a stage made another number of points, so that the numbers of points are not those of updates. */
  readonly renumbered: boolean
  readonly remember: readonly number[]
}

/**
 * Applies a plan's stages and its rule to a round. Pure and deterministic; `input` speaks of the updates. Throws
 * `plan.infeasible` when they are too few for the attackers that the plan assumes.
 */
export function decide(pipeline: Pipeline, input: RuleInput): Decision {
  checkFeasible(pipeline, input.n)
  const { rule, options } = pipeline.rule
  const staged = pipeline.stages.reduce(applyStage, startOf(input))
  const verdict = rule.decide(staged.input, options)
  return {
    result: verdict.kind === 'combination' ? combinationOf(staged, verdict) : reductionOf(staged, verdict),
    scales: staged.scales,
    leftOut: verdict.leftOut,
    renumbered: staged.input.n !== input.n,
    remember: verdict.kind === 'combination' ? (verdict.remember ?? []) : [],
  }
}

type Staged = {
  /** What the next stage sees. */
  readonly input: RuleInput
  /** The points as combinations of the updates and extra rows; undefined while they are the updates. */
  readonly matrix: Matrix | undefined
  readonly scales: readonly (number | undefined)[]
}

function startOf(input: RuleInput): Staged {
  return { input, matrix: undefined, scales: Array<number>(input.n).fill(1) }
}

function applyStage(staged: Staged, { stage, options }: PipelineStage): Staged {
  const { input, matrix, scales } = staged
  const made = stage.apply(input, options)
  const extras = input.gram.size - input.n
  const step = withExtras(made, extras)
  const moved = made.rows - input.n
  return {
    input: {
      ...input,
      gram: transform(input.gram, step),
      n: made.rows,
      clients: stage.mixes ? [] : input.clients,
      samples: stage.mixes ? Array<number>(made.rows).fill(1) : input.samples,
      steps: stage.mixes ? Array<number>(made.rows).fill(1) : input.steps,
      extra: movedExtras(input.extra, moved),
    },
    matrix: matrix === undefined ? step : multiply(step, matrix),
    scales: stage.mixes
      ? scales.map(() => undefined)
      : scales.map((scale, i) =>
          scale === undefined ? undefined : scale * (made.values[i * made.columns + i] as number),
        ),
  }
}

/** The extra rows stay as they are, behind the new points. */
function withExtras(made: Matrix, extras: number): Matrix {
  if (extras === 0) return made
  const rows = made.rows + extras
  const columns = made.columns + extras
  const values = new Float64Array(rows * columns)
  for (let i = 0; i < made.rows; i++) {
    values.set(made.values.subarray(i * made.columns, (i + 1) * made.columns), i * columns)
  }
  for (let e = 0; e < extras; e++) values[(made.rows + e) * columns + made.columns + e] = 1
  return { rows, columns, values }
}

function movedExtras(extra: RuleInput['extra'], by: number): RuleInput['extra'] {
  const { root, center, histories } = extra
  return {
    ...(root === undefined ? {} : { root: root + by }),
    ...(center === undefined ? {} : { center: center + by }),
    ...(histories === undefined ? {} : { histories: histories.map((row) => row + by) }),
  }
}

function combinationOf({ matrix, input }: Staged, { coefficients }: Combination): Decision['result'] {
  if (!coefficients.every(Number.isFinite)) {
    throw new ParleyError('round.aggregation-failed', 'the rule gave weights that are not finite')
  }
  if (matrix === undefined) return { kind: 'combination', coefficients }
  const row = { rows: 1, columns: input.gram.size, values: coefficients }
  return { kind: 'combination', coefficients: multiply(row, matrix).values }
}

function reductionOf({ matrix, input }: Staged, { points, reduce }: Reduction): Decision['result'] {
  const columns = matrix?.columns ?? input.gram.size
  const values = new Float64Array(points.length * columns)
  points.forEach((point, k) => {
    if (matrix === undefined) values[k * columns + point] = 1
    else values.set(matrix.values.subarray(point * columns, (point + 1) * columns), k * columns)
  })
  return {
    kind: 'reduction',
    mix: { rows: points.length, columns, values },
    points: matrix === undefined ? points : undefined,
    reduce,
  }
}

/** A gram of as many rows that knows nothing, for rules that do not look at it. */
export function emptyGram(size: number): Gram {
  return { size, values: new Float64Array(0) }
}
