import { labelsOf, type Point } from './axes.ts'
import type { Sweep } from './definition.ts'
import type { PointResult } from './point-job.ts'

/** One simulation of a sweep, or why there was none. */
export type Cell = Partial<PointResult> & {
  /** The label of each axis. */
  readonly values: Readonly<Record<string, string>>
  readonly seed?: number
  /** Digest of its scenario. */
  readonly scenario?: string
}

/** A simulation as others see it. */
export type SweepCell = Pick<Cell, 'values' | 'seed' | 'scenario' | 'weights'> & {
  readonly score: number | null
  readonly reason?: string
}

/** A point with its simulations, one for each seed. */
export type Case = { readonly point: Point; readonly cells: readonly Cell[] }

/** A point of the search; its cases are one for each value of the axis over which the worst counts, else a single one. */
export type Group = { readonly point: Point; readonly cases: readonly Case[] }

export type Score = {
  /** The mean over the seeds; null where no seed gave any. */
  readonly score: number | null
  /** Standard deviation over the seeds; absent for less than two. */
  readonly spread?: number
  /** Seeds that gave a score. */
  readonly seeds: number
  /** Why a score is missing, in all cells or in some. */
  readonly reason?: string
}

/** The points of all axes that a point of the search stands for. */
export function expanded({ axes, worstOver }: Pick<Sweep, 'axes' | 'worstOver'>, point: Point): Point[] {
  const at = axes.findIndex(({ name }) => name === worstOver)
  const axis = axes[at]
  if (axis?.kind !== 'choices') return [point]
  return axis.choices.map((_, choice) => point.toSpliced(at, 0, choice))
}

type Measure = Pick<Sweep, 'metric' | 'goal' | 'at'>

export function cellScore({ metric, goal, at }: Measure, { figures, failure }: Cell): number | null {
  const figure = figures?.[metric]
  if (figure === undefined || failure !== undefined) return null
  return at === 'last' ? figure.last : figure[goal]
}

export function reasonOf(measure: Measure, cell: Cell): string | undefined {
  if (cellScore(measure, cell) !== null) return undefined
  return cell.failure?.message ?? `it has no ${measure.metric}`
}

export function sweepCell(measure: Measure, cell: Cell): SweepCell {
  const { values, seed, scenario, weights } = cell
  const reason = reasonOf(measure, cell)
  return {
    values,
    ...(seed === undefined ? {} : { seed }),
    score: cellScore(measure, cell),
    ...(reason === undefined ? {} : { reason }),
    ...(scenario === undefined ? {} : { scenario }),
    ...(weights === undefined ? {} : { weights }),
  }
}

export function caseScore(measure: Measure, { cells }: Case): Score {
  const scores = cells.map((cell) => cellScore(measure, cell)).filter((score) => score !== null)
  const reason = commonReason(
    cells.map((cell) => ({
      of: cell.seed === undefined ? '' : `seed ${cell.seed}: `,
      reason: reasonOf(measure, cell),
    })),
  )
  return {
    score: scores.length === 0 ? null : mean(scores),
    seeds: scores.length,
    ...(scores.length < 2 ? {} : { spread: deviation(scores) }),
    ...(reason === undefined ? {} : { reason }),
  }
}

/** The score of a point of the search: that of its worst case, with the value of the axis that made it so. */
export function groupScore(sweep: Sweep, { cases }: Group): Score & { readonly worst?: string } {
  const { axes, goal, worstOver } = sweep
  const scored = cases.map((one) => ({ ...caseScore(sweep, one), worst: labelsOf(axes, one.point)[worstOver ?? ''] }))
  const [first] = scored
  if (first === undefined) return { score: null, seeds: 0, reason: 'it has no cases' }
  if (worstOver === undefined) {
    const { worst: _worst, ...score } = first
    return score
  }
  const reason = commonReason(scored.map(({ worst = '', reason }) => ({ of: `${worst}: `, reason })))
  const worse = (a: number, b: number) => (goal === 'max' ? a < b : a > b)
  const worst = scored.reduce((found, one) => {
    if (one.score === null) return found
    return found.score === null || worse(one.score, found.score) ? one : found
  }, first)
  const { reason: _reason, worst: label, ...score } = worst
  return {
    ...score,
    ...(label === undefined || score.score === null ? {} : { worst: label }),
    ...(reason === undefined ? {} : { reason }),
  }
}

/** The first reason, with what it is the reason of unless it is the same everywhere. */
function commonReason(
  all: readonly { readonly of: string; readonly reason: string | undefined }[],
): string | undefined {
  const first = all.find(({ reason }) => reason !== undefined)
  if (first?.reason === undefined) return undefined
  return all.every(({ reason }) => reason === first.reason) ? first.reason : `${first.of}${first.reason}`
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** Of a sample: its squares are divided by one less than there are values. */
function deviation(values: readonly number[]): number {
  const centre = mean(values)
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1))
}
