import type { EvaluationCounts } from '../counts.ts'
import type { Interval, Metric } from '../metric.ts'
import { jackknifeVariance } from './jackknife.ts'
import { unitInterval } from './unit-interval.ts'
import { wilson } from './wilson.ts'

/** A value with the rows that it is a mean over, and its one-sided bounds where a confidence was asked for. */
export type Estimate = { readonly value: number; readonly rows: number; readonly interval?: Interval }

/** Why there is no estimate. */
export type Unknown = { readonly why: string }

/**
 * What counts say of a metric.
 *
 * - `alpha`: error of each bound, in (0, 0.5]; undefined asks for no bounds.
 *
 * A share has Wilson's bounds. Others have those of `unitInterval` with s² from the jackknife. Where no row makes a difference
 * (s = 0: an AUC of 1, say) they are those of a share with as many rows as the smallest class: the variance of an AUC is at most
 * A(1 − A) over the smaller class (Birnbaum and Klose, Annals of Mathematical Statistics 28(4), 1957).
 */
export function estimateOf(metric: Metric, counts: EvaluationCounts, alpha?: number): Estimate | Unknown {
  const value = metric.value(counts)
  if (value === null) return { why: counts.rows === 0 ? 'there are no rows' : 'it is not defined for these rows' }
  const rows = metric.share?.(counts)?.whole ?? counts.rows
  if (alpha === undefined) return { value, rows }
  const interval = intervalOf(metric, counts, value, alpha)
  return interval === undefined
    ? { why: `${counts.rows} rows are too few for its interval` }
    : { value, rows, interval }
}

function intervalOf(metric: Metric, counts: EvaluationCounts, value: number, alpha: number): Interval | undefined {
  const { spread } = metric
  const share = metric.share?.(counts)
  if (share !== undefined) return wilson(share, alpha)
  if (spread === 'none') return undefined
  if (typeof spread === 'function') return spread(counts, alpha)
  const variance = jackknifeVariance(counts, metric.value, spread)
  if (variance === undefined) return undefined
  return unitInterval(value, variance, smallestClass(counts), alpha)
}

/** Rows of the smallest class that has any. */
function smallestClass(counts: EvaluationCounts): number {
  if (counts.task === 'binary') {
    const positives = counts.truePositives + counts.falseNegatives
    const present = [positives, counts.rows - positives].filter((rows) => rows > 0)
    return present.length === 0 ? 0 : Math.min(...present)
  }
  if (counts.task === 'regression') return counts.rows
  const { confusion } = counts
  const classes = Math.round(Math.sqrt(confusion.length))
  const sizes = Array.from({ length: classes }, (_, k) =>
    confusion.slice(k * classes, (k + 1) * classes).reduce((sum, cell) => sum + cell, 0),
  )
  return Math.min(...sizes.filter((rows) => rows > 0))
}
