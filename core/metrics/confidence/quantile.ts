import { normalCdf } from '../../privacy/numeric/normal.ts'

/**
 * The standard normal quantile of 1 − α: how many standard errors a one-sided bound lies away whose error is α ≤ 0.5. By bisection
 * of the lower tail, so that it is as good for a small α as the tail is.
 */
export function normalQuantile(alpha: number): number {
  let [low, high] = [0, 38]
  for (let step = 0; step < 100 && high - low > Number.EPSILON * high; step++) {
    const middle = (low + high) / 2
    if (normalCdf(-middle) > alpha) low = middle
    else high = middle
  }
  return (low + high) / 2
}
