import type { Interval } from '../metric.ts'
import { normalQuantile } from './quantile.ts'
import { wilson } from './wilson.ts'

/** Below it a variance is what rounding makes of none: of a billion rows a true one is far above. */
const ROUNDING = 1e-24

/**
 * One-sided bounds of a figure in [0, 1], each with the error α: logit(θ) ± z·s / (θ(1 − θ)), which stays within (0, 1) and keeps
 * its coverage near the ends better than θ ± z·s. At the ends, and where the variance s² is none, they are those of a share of
 * `rows` rows: the variance of a mean of values in [0, 1] is at most p(1 − p)/n.
 */
export function unitInterval(value: number, variance: number, rows: number, alpha: number): Interval {
  if (variance < ROUNDING || value <= 0 || value >= 1) return wilson({ part: value * rows, whole: rows }, alpha)
  const reach = (normalQuantile(alpha) * Math.sqrt(variance)) / (value * (1 - value))
  const logit = Math.log(value / (1 - value))
  return { low: expit(logit - reach), high: expit(logit + reach) }
}

/**
 * Bounds of the mean of values in [0, 1] from that mean and the mean of their squares, or a bound above it. The variance
 * is s²/n, which is the delete-one jackknife of a mean. Undefined for fewer than two rows.
 */
export function meanInterval(mean: number, square: number, rows: number, alpha: number): Interval | undefined {
  if (rows < 2) return undefined
  return unitInterval(mean, Math.max(0, square - mean * mean) / (rows - 1), rows, alpha)
}

function expit(x: number): number {
  return 1 / (1 + Math.exp(-x))
}
