import type { Estimate, Unknown } from '../../core/metrics/confidence/estimate.ts'

/** All of them, or why one of them is not known. */
export function allKnown(estimates: readonly (Estimate | Unknown)[]): Estimate[] | Unknown {
  const known: Estimate[] = []
  for (const estimate of estimates) {
    if ('why' in estimate) return estimate
    known.push(estimate)
  }
  return known.length === 0 ? { why: 'nobody answered' } : known
}

/**
 * The lowest or the highest of several values. The bound on its own side needs no correction for their number: the true extreme is
 * one of the values, and its bound holds with the confidence of one. The bound on the other side holds for all at once, by bounds
 * of `corrected`, whose error is the k-th part.
 */
export function extreme(
  estimates: readonly Estimate[],
  corrected: readonly Estimate[],
  side: 'lowest' | 'highest',
): Estimate | undefined {
  const [first, ...rest] = estimates
  if (first === undefined) return undefined
  const sign = side === 'lowest' ? 1 : -1
  const chosen = rest.reduce((best, one) => (sign * one.value < sign * best.value ? one : best), first)
  const ends = (of: readonly Estimate[], end: 'low' | 'high') => of.flatMap(({ interval }) => interval?.[end] ?? [])
  const pick = side === 'lowest' ? Math.min : Math.max
  if (chosen.interval === undefined) return chosen
  const [own, other] = side === 'lowest' ? (['low', 'high'] as const) : (['high', 'low'] as const)
  const bounds = { [own]: pick(...ends(estimates, own)), [other]: pick(...ends(corrected, other)) }
  return { ...chosen, interval: bounds as { low: number; high: number } }
}

/**
 * The middle of several values, the mean of the two middle ones of an even number; its bounds are the middles of theirs. Errors of
 * the single values cancel out in the middle, so they are wider than they need be.
 */
export function middle(estimates: readonly Estimate[]): Estimate {
  const rows = estimates.reduce((sum, one) => sum + one.rows, 0)
  const value = median(estimates.map((one) => one.value))
  const intervals = estimates.flatMap(({ interval }) => interval ?? [])
  if (intervals.length < estimates.length) return { value, rows }
  const interval = { low: median(intervals.map(({ low }) => low)), high: median(intervals.map(({ high }) => high)) }
  return { value, rows, interval }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const half = Math.floor(sorted.length / 2)
  const upper = sorted[half] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? Number.NaN) + upper) / 2
}
