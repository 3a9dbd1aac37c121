/**
 * Exact samples of the discrete Laplace and Gaussian (Canonne, Kamath and Steinke, "The Discrete Gaussian for Differential
 * Privacy", 2020, algorithms 1 to 3): integers and fractions only. The order in which bytes are used is that of libprio-rs,
 * so that its published vectors hold. Slow, some 10⁴ samples a second: for vectors there is `DiscreteGaussian`.
 */
import type { RandomBytes } from './random-source.ts'
import { type Rational, rational } from './rational.ts'

/** A sample of N_Z(0, σ²): the integer x with probability proportional to e^{−x²/(2σ²)}; σ ≥ 0. */
export function exactDiscreteGaussian(sigma: Rational, randomBytes: RandomBytes): bigint {
  const { numerator: a, denominator: b } = rational(sigma.numerator, sigma.denominator)
  if (a === 0n) return 0n
  const t = a / b + 1n
  for (;;) {
    const y = exactDiscreteLaplace(t, randomBytes)
    const magnitude = y < 0n ? -y : y
    // (|y| − σ²/t)²/(2σ²) with σ = a/b, as one fraction.
    const distance = magnitude * b * b * t - a * a
    if (bernoulliExp(rational(distance * distance, 2n * a * a * b * b * t * t), randomBytes)) return y
  }
}

/** A sample of the discrete Laplace of integer scale t ≥ 1: x with probability proportional to e^{−|x|/t}. */
export function exactDiscreteLaplace(scale: bigint, randomBytes: RandomBytes): bigint {
  if (scale < 1n) throw new RangeError('the scale of a discrete Laplace is at least 1')
  for (;;) {
    const negative = bernoulli({ numerator: 1n, denominator: 2n }, randomBytes)
    const magnitude = geometricExp(scale, randomBytes)
    if (negative && magnitude === 0n) continue
    return negative ? -magnitude : magnitude
  }
}

/** k ≥ 0 with probability proportional to e^{−k/t}. */
function geometricExp(t: bigint, randomBytes: RandomBytes): bigint {
  let u = uniformBelow(t, randomBytes)
  while (!bernoulliExp(rational(u, t), randomBytes)) u = uniformBelow(t, randomBytes)
  let v = 0n
  while (bernoulliExpUpToOne({ numerator: 1n, denominator: 1n }, randomBytes)) v++
  return u + t * v
}

/** True with probability e^{−γ}, γ ≥ 0. */
export function bernoulliExp({ numerator, denominator }: Rational, randomBytes: RandomBytes): boolean {
  for (let whole = numerator / denominator; whole > 0n; whole--) {
    if (!bernoulliExpUpToOne({ numerator: 1n, denominator: 1n }, randomBytes)) return false
  }
  return bernoulliExpUpToOne(rational(numerator % denominator, denominator), randomBytes)
}

/** True with probability e^{−γ}, 0 ≤ γ ≤ 1: the number of successes of Bernoulli(γ/k), k = 1, 2, …, is even. */
function bernoulliExpUpToOne({ numerator, denominator }: Rational, randomBytes: RandomBytes): boolean {
  let k = 1n
  while (bernoulli(rational(numerator, denominator * k), randomBytes)) k++
  return k % 2n === 1n
}

/** True with probability a/b ≤ 1. */
function bernoulli({ numerator, denominator }: Rational, randomBytes: RandomBytes): boolean {
  return uniformBelow(denominator, randomBytes) < numerator
}

/** A uniform integer of {0 … bound − 1}, by rejection. */
export function uniformBelow(bound: bigint, randomBytes: RandomBytes): bigint {
  const bits = bound.toString(2).length
  const words = Math.ceil(bits / 32)
  const unused = 32 * words - bits
  for (;;) {
    const bytes = randomBytes(4 * words)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    let value = 0n
    for (let i = words - 1; i >= 0; i--) {
      const word = view.getUint32(4 * i, true)
      value = (value << 32n) | BigInt(i === words - 1 ? word >>> unused : word)
    }
    if (value < bound) return value
  }
}
