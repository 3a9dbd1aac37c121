import type { EvaluationCounts } from '../counts.ts'
import type { Interval, Metric } from '../metric.ts'
import { jackknifeVariance } from './jackknife.ts'
import { normalQuantile } from './quantile.ts'
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
 * A share has Wilson's bounds. Others have logit(θ) ± z·s / (θ(1 − θ)) with s² from the jackknife, which stays within (0, 1) and
 * keeps its coverage near the ends better than θ ± z·s. Where no row makes a difference (s = 0: an AUC of 1, say) the bounds are
 * those of a share with as many rows as the smallest class: the variance of a mean of values in [0, 1] is at most p(1 − p)/n,
 * and that of an AUC at most A(1 − A) over the smaller class (Birnbaum and Klose, Annals of Mathematical Statistics 28(4), 1957).
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

/** Below it a variance is what rounding makes of none: of a billion rows a true one is far above. */
const ROUNDING = 1e-24

function intervalOf(metric: Metric, counts: EvaluationCounts, value: number, alpha: number): Interval | undefined {
  const { spread } = metric
  const share = metric.share?.(counts)
  if (share !== undefined) return wilson(share, alpha)
  if (spread === 'none') return undefined
  if (typeof spread === 'function') return spread(counts, alpha)
  const variance = jackknifeVariance(counts, metric.value, spread)
  if (variance === undefined) return undefined
  if (variance < ROUNDING || value <= 0 || value >= 1) {
    const rows = smallestClass(counts)
    return wilson({ part: value * rows, whole: rows }, alpha)
  }
  const reach = (normalQuantile(alpha) * Math.sqrt(variance)) / (value * (1 - value))
  const logit = Math.log(value / (1 - value))
  return { low: expit(logit - reach), high: expit(logit + reach) }
}

function expit(x: number): number {
  return 1 / (1 + Math.exp(-x))
}

/** Rows of the smallest class that has any. */
function smallestClass(counts: EvaluationCounts): number {
  if (counts.task === 'binary') {
    const positives = counts.truePositives + counts.falseNegatives
    const present = [positives, counts.rows - positives].filter((rows) => rows > 0)
    return present.length === 0 ? 0 : Math.min(...present)
  }
  const { confusion } = counts
  const classes = Math.round(Math.sqrt(confusion.length))
  const sizes = Array.from({ length: classes }, (_, k) =>
    confusion.slice(k * classes, (k + 1) * classes).reduce((sum, cell) => sum + cell, 0),
  )
  return Math.min(...sizes.filter((rows) => rows > 0))
}
