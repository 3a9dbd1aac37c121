import type { Interval } from '../metric.ts'
import type { Estimate } from './estimate.ts'

type Bounded = Pick<Estimate, 'value'> & { readonly interval: Interval }

/**
 * One-sided bounds of a − b from those of a and of b, taken as independent (Newcombe, Statistics in Medicine 17(8), 1998, method
 * 10, for Wilson's bounds; Zou and Donner, Statistics in Medicine 27(10), 2008, for any):
 *
 *   a − b − √((a − lowₐ)² + (high_b − b)²)  to  a − b + √((highₐ − a)² + (b − low_b)²)
 *
 * Of two models on the same rows they are too wide where both err on the same rows: conservative, as only counts are known.
 */
export function differenceInterval(a: Bounded, b: Bounded): Interval {
  const difference = a.value - b.value
  return {
    low: difference - Math.hypot(a.value - a.interval.low, b.interval.high - b.value),
    high: difference + Math.hypot(a.interval.high - a.value, b.value - b.interval.low),
  }
}
