/**
 * Discrete Gaussian samples for whole vectors, millions a second.
 *
 * σ = K·s with a power of two K and s below 128. Magnitudes are K·x + y: x from a table of the discrete Gaussian of width
 * s, y uniform below K, and the pair accepted with probability e^{−y(y + 2Kx)/(2σ²)}, 98 % or more (Ducas et al., "Lattice
 * Signatures and Bimodal Gaussians", 2013, algorithm 12). A comparison is made in doubles only where their rounding cannot
 * turn it around, else in integers with as many random bits as it takes.
 *
 * **Error:** the statistical distance of a sample from N_Z(0, σ²) is below 2⁻¹¹⁰: 2⁻¹²⁷ for each of at most 1,800 table
 * entries, 2⁻¹³⁰ for the tail that is left out, 2⁻¹⁸⁰ for the acceptance. A vector of 10⁹ coordinates is off by less than
 * 2⁻⁸⁰, which adds to δ. **Not constant in time**: how long it takes depends on what is drawn.
 */
import { exactFraction, fixedExp } from '../numeric/fixed-point.ts'
import { CumulativeTable } from './cumulative-table.ts'
import type { RandomWords } from './random-source.ts'

/** Below it nearly every sample would be 0; above it magnitudes would not be exact doubles. */
export const LEAST_SIGMA = 1 / 16
export const GREATEST_SIGMA = 2 ** 44

/** Widest table: small enough for the processor's cache, wide enough that nearly every pair is accepted. */
const WIDEST = 128

/** In units of 2⁻³²: more than what rounding can make of e^{−t} for t ≤ ½, some 2⁻⁵⁰. */
const MARGIN = 2 ** -14

/** Places of the exact comparison. */
const BITS = 192

export class DiscreteGaussian {
  readonly sigma: number
  readonly #table: CumulativeTable
  /** K = 2^#shift. */
  readonly #shift: number
  readonly #k: number
  readonly #doubledVariance: number
  #signs = 0
  #signsLeft = 0

  /** σ from 1/16 to 2⁴⁴, taken exactly as the double it is; a larger one than that throws RangeError, as does a smaller. */
  constructor(sigma: number) {
    if (!(sigma >= LEAST_SIGMA && sigma <= GREATEST_SIGMA)) {
      throw new RangeError(`σ of a discrete Gaussian lies between 1/16 and 2^44, not at ${sigma}`)
    }
    this.sigma = sigma
    let shift = 0
    while (sigma / 2 ** shift >= WIDEST) shift++
    this.#shift = shift
    this.#k = 2 ** shift
    this.#doubledVariance = 2 * sigma * sigma
    const { numerator, denominator } = exactSquare(sigma)
    this.#table = new CumulativeTable({ numerator, denominator: denominator << BigInt(2 * shift) })
  }

  /** One sample. */
  sample(words: RandomWords): number {
    for (;;) {
      const x = this.#table.sample(words)
      let magnitude = x
      if (this.#shift > 0) {
        const y = this.#uniform(words)
        if (!this.#accepts(x, y, words)) continue
        magnitude = this.#k * x + y
      }
      // A zero with either sign would count twice.
      const negative = this.#sign(words)
      if (magnitude === 0 && negative) continue
      return negative ? -magnitude : magnitude
    }
  }

  /** Fills a vector with independent samples. For Int32Array keep σ below 2²⁷, so that none wraps around. */
  fill(out: Float64Array | Int32Array, words: RandomWords): void {
    if (out instanceof Int32Array && this.sigma > 2 ** 27) {
      throw new RangeError(`samples of σ = ${this.sigma} do not fit into 32 bits`)
    }
    for (let i = 0; i < out.length; i++) out[i] = this.sample(words)
  }

  #sign(words: RandomWords): boolean {
    if (this.#signsLeft === 0) {
      this.#signs = words.next()
      this.#signsLeft = 32
    }
    const negative = (this.#signs & 1) === 1
    this.#signs >>>= 1
    this.#signsLeft--
    return negative
  }

  /** Uniform below K, from its own bits. */
  #uniform(words: RandomWords): number {
    if (this.#shift <= 32) return words.next() >>> (32 - this.#shift)
    return (words.next() >>> (64 - this.#shift)) * 2 ** 32 + words.next()
  }

  /** True with probability e^{−t}, t = y(y + 2Kx)/(2σ²): a uniform number is below it. */
  #accepts(x: number, y: number, words: RandomWords): boolean {
    const word = words.next()
    const t = (y * (y + 2 * this.#k * x)) / this.#doubledVariance
    // e^{−t} ≥ 1 − t spares the exponential most of the time.
    if (word < (1 - t) * 2 ** 32 - 2) return true
    const scaled = Math.exp(-t) * 2 ** 32
    if (word + 1 <= scaled - MARGIN) return true
    if (word >= scaled + MARGIN) return false
    return acceptsExactly(this.sigma, this.#k, x, y, word, words)
  }
}

/** The same decision in integers, of a uniform number that begins with `word`. */
export function acceptsExactly(
  sigma: number,
  k: number,
  x: number,
  y: number,
  word: number,
  words: Pick<RandomWords, 'next'>,
): boolean {
  if (y === 0) return true
  const { numerator, denominator } = exactSquare(sigma)
  const distance = BigInt(y) * (BigInt(y) + 2n * BigInt(k) * BigInt(x))
  const probability = fixedExp(-distance * denominator, 2n * numerator, BITS)
  let uniform = BigInt(word)
  for (let bits = 32; bits < BITS; bits += 32) uniform = (uniform << 32n) | BigInt(words.next())
  return uniform < probability
}

/** σ² as a fraction of integers. */
function exactSquare(sigma: number): { readonly numerator: bigint; readonly denominator: bigint } {
  const { numerator, shift } = exactFraction(sigma)
  return { numerator: numerator * numerator, denominator: 1n << BigInt(2 * shift) }
}
