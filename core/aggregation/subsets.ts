import { minority } from './options.ts'

/** Rules that search all subsets of n − f points are offered up to so many. */
export const MOST_SUBSETS = 1_000_000

/** The number of ways to choose k of n; exact up to 2⁵³. */
export function binomial(n: number, k: number): number {
  let value = 1
  // Each intermediate value is itself a binomial coefficient: the division leaves no remainder.
  for (let i = 1; i <= k; i++) value = (value * (n - k + i)) / i
  return value
}

/** The largest f with 2f < n for which there are at most 10⁶ ways to leave out f of n points. */
export function mostSubsets(n: number): number {
  const most = minority(n)
  let f = Math.min(0, most)
  while (f < most && binomial(n, f + 1) <= MOST_SUBSETS) f++
  return f
}
