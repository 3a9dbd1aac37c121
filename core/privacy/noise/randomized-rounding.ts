/**
 * From real vectors to integers, for masks that work modulo 2³² (Kairouz, Liu and Steinke, "The Distributed Discrete
 * Gaussian Mechanism for Federated Learning with Secure Aggregation", 2021, algorithm 1): each coordinate is rounded up or
 * down at random so that its mean is right, and the whole vector again until it is no longer than the sensitivity assumes.
 */
import type { RandomWords } from './random-source.ts'

/** Each attempt succeeds with probability 1 − β = 0.39 or more, so that so many fail once in 10²¹ runs. */
const MOST_ATTEMPTS = 100

/** ln(1/β): the paper's β = e^{−1/2}, at which √(2·ln(1/β)) = 1. */
const LOG_INVERSE_BETA = 0.5

/**
 * The norm that a rounded vector is accepted up to (the same paper, theorem 1 with granularity 1): the smaller one of what
 * rounding can do at most, cs + √d, and of what it does with probability 1 − β. In units of the integer grid.
 */
export function roundedNorm(clip: number, scale: number, dimension: number): number {
  const length = clip * scale
  const always = length + Math.sqrt(dimension)
  const mostly = length ** 2 + dimension / 4 + Math.sqrt(2 * LOG_INVERSE_BETA) * (length + Math.sqrt(dimension) / 2)
  return Math.min(always, Math.sqrt(mostly))
}

/**
 * round(values·scale) at random, with a norm of at most `bound`, which is that of `roundedNorm`.
 *
 * @throws RangeError if the values are not clipped as that bound assumes, not finite, or beyond 32 bits.
 */
export function roundRandomly(
  values: Float32Array | Float64Array,
  scale: number,
  bound: number,
  words: RandomWords,
): Int32Array {
  if (!values.every((value) => Math.abs(value * scale) < 2 ** 31 - 1)) {
    throw new RangeError('scaled values do not fit into 32 bits')
  }
  const rounded = new Int32Array(values.length)
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    let squares = 0
    for (let i = 0; i < values.length; i++) {
      const scaled = (values[i] as number) * scale
      const below = Math.floor(scaled)
      const up = (words.next() + words.next() / 2 ** 32) / 2 ** 32 < scaled - below
      const value = up ? below + 1 : below
      rounded[i] = value
      squares += value * value
    }
    if (Math.sqrt(squares) <= bound) return rounded
  }
  throw new RangeError('no rounding is short enough: the vector is longer than the clip norm')
}
