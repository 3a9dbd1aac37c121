import { addGridGaussian } from './grid-gaussian.ts'
import type { RandomBytes } from './random-source.ts'

/**
 * What a coordinator may publish of a sum of clipped updates: (sum + N(0, σ²))/m, in place.
 *
 * m is the planned cohort, a constant of the plan. To divide by the number that answered would publish that number, and one
 * client less would move the mean by more than the noise is made for; who fails to answer changes neither noise nor divisor.
 */
export function releaseMean(
  sum: Float32Array | Float64Array,
  noise: { readonly sigma: number; readonly cohort: number },
  randomBytes: RandomBytes,
): void {
  if (!(noise.cohort >= 1)) throw new RangeError('the planned cohort has 1 client or more')
  addGridGaussian(sum, noise.sigma, randomBytes)
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) / noise.cohort
}
