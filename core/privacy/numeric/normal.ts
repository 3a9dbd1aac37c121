import { erfc, logErfc } from './erfc.ts'

/** Φ(x), the distribution function of the standard normal, with full relative precision in the lower tail. */
export function normalCdf(x: number): number {
  return erfc(-x * Math.SQRT1_2) / 2
}

/** ln Φ(x), finite for every finite x. */
export function logNormalCdf(x: number): number {
  return logErfc(-x * Math.SQRT1_2) - Math.LN2
}

/** Φ(to) − Φ(from) for from ≤ to, taken in the tail where the difference does not cancel. Both may be infinite. */
export function normalBetween(from: number, to: number): number {
  const between = from > 0 ? normalCdf(-from) - normalCdf(-to) : normalCdf(to) - normalCdf(from)
  return Math.max(0, between)
}
