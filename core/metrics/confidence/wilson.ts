import type { Interval, Share } from '../metric.ts'
import { normalQuantile } from './quantile.ts'

/**
 * Wilson's score bounds of a share p = part / whole (Wilson, JASA 22(158), 1927; Brown, Cai and DasGupta, Statistical Science
 * 16(2), 2001), each with the error α:
 *
 *   (p + z²/2n ± z·√(p(1 − p)/n + z²/4n²)) / (1 + z²/n)
 *
 * They lie in [0, 1], also for no or all of the rows; the whole interval for no rows at all.
 */
export function wilson({ part, whole }: Share, alpha: number): Interval {
  if (whole === 0) return { low: 0, high: 1 }
  const p = part / whole
  const square = normalQuantile(alpha) ** 2 / whole
  const middle = p + square / 2
  const half = Math.sqrt(square * (p * (1 - p) + square / 4))
  // Rounding must not take a bound over the end that it touches.
  const low = part === 0 ? 0 : Math.max(0, (middle - half) / (1 + square))
  const high = part === whole ? 1 : Math.min(1, (middle + half) / (1 + square))
  return { low, high }
}
