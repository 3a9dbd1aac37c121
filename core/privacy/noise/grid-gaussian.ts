/**
 * Gaussian noise for central and local privacy, on a grid. A Gaussian in floating point tells by its low bits what it was
 * added to (Mironov, "On Significance of the Least Significant Bits for Differential Privacy", 2012). Here values are first
 * rounded to multiples of a step, and the noise is a discrete Gaussian on the same multiples: the sum is exact, and what
 * rounds it to 24 or 53 bits afterwards sees nothing but the released number.
 */
import { DiscreteGaussian } from './discrete-gaussian.ts'
import { type RandomBytes, RandomWords } from './random-source.ts'

/** The noise's standard deviation is between 2^32 and 2^33 steps. */
const STEPS_BITS = 32

/** The step of the grid for noise of this standard deviation: a power of two, so that multiples are exact doubles. */
export function gridStep(sigma: number): number {
  if (!(sigma >= 2 ** -900 && sigma <= 2 ** 900)) throw new RangeError(`no grid for noise of ${sigma}`)
  let exponent = Math.floor(Math.log2(sigma))
  if (2 ** exponent > sigma) exponent--
  return 2 ** (exponent - STEPS_BITS)
}

/**
 * By how much rounding to the grid can move two sums of `dimension` coordinates apart: step·√d. It belongs into the
 * sensitivity (`rounding` of `multiplierOf`), where it is one part in 10⁵ at d = 10⁸.
 */
export function roundingSensitivity(step: number, dimension: number): number {
  return step * Math.sqrt(dimension)
}

/**
 * Adds noise of standard deviation `sigma` to every value, in place.
 *
 * `values` and `sigma` are in the same unit. The noise has to be that of the **sum**: divide by the planned cohort only
 * afterwards, by a number that does not depend on who answered.
 *
 * @throws RangeError if a value is not finite; nothing is changed then.
 */
export function addGridGaussian(values: Float32Array | Float64Array, sigma: number, randomBytes: RandomBytes): void {
  gridGaussian(sigma, randomBytes, values.length)(values)
}

/**
 * The same for noise that is added again and again: what it takes to draw of it, a millisecond, is worked out once.
 *
 * - `length`: of the values, so that as many random bytes as they take are drawn at once.
 */
export function gridGaussian(
  sigma: number,
  randomBytes: RandomBytes,
  length: number,
): (values: Float32Array | Float64Array) => void {
  const step = gridStep(sigma)
  const gaussian = new DiscreteGaussian(sigma / step)
  const words = new RandomWords(randomBytes, blockFor(length))
  return (values) => {
    if (!values.every((value) => Number.isFinite(value / step)))
      throw new RangeError('noise is added to finite values only')
    for (let i = 0; i < values.length; i++) {
      values[i] = (Math.round((values[i] as number) / step) + gaussian.sample(words)) * step
    }
  }
}

/** Bytes to draw at a time: about 12 for a sample, no more than 64 KiB. */
export function blockFor(samples: number): number {
  return Math.min(1 << 16, Math.max(64, 16 * samples))
}
