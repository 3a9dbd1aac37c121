/**
 * The magnitudes of a discrete Gaussian by inversion: x ≥ 0 with probability proportional to e^{−x²/(2s²)}, from cumulative
 * probabilities of 128 bits. Bits beyond the first 32 are drawn only where they decide, one sample in some ten million.
 */
import { fixedExp } from '../numeric/fixed-point.ts'
import type { RandomWords } from './random-source.ts'

/** Places of the arithmetic behind the table; the table itself keeps 128. */
const BITS = 256

/** e^{−x²/(2s²)} below 2⁻¹⁴⁰ is left out. */
const TAIL = Math.sqrt(2 * 140 * Math.LN2)

const GUIDE_BITS = 10

export class CumulativeTable {
  /** Cumulative probabilities, 2¹²⁸ times: their first 32 bits (the last one is 2³²) and all of them. */
  readonly #first: Float64Array
  readonly #whole: readonly bigint[]
  /** Where the search for words with these leading bits begins. */
  readonly #guide: Uint16Array

  /** For s² = `square.numerator`/`square.denominator`, 1/16 ≤ s ≤ 128. */
  constructor(square: { readonly numerator: bigint; readonly denominator: bigint }) {
    const width = Math.sqrt(Number(square.numerator) / Number(square.denominator))
    const ratio = fixedExp(-square.denominator, 2n * square.numerator, BITS)
    const squaredRatio = (ratio * ratio) >> BigInt(BITS)
    const cumulative: bigint[] = []
    let weight = 1n << BigInt(BITS)
    let factor = ratio
    let sum = 0n
    for (let x = 0; x <= Math.ceil(TAIL * width); x++) {
      sum += weight
      cumulative.push(sum)
      // e^{−(x+1)²/(2s²)} = e^{−x²/(2s²)}·e^{−(2x+1)/(2s²)}
      weight = (weight * factor) >> BigInt(BITS)
      factor = (factor * squaredRatio) >> BigInt(BITS)
    }
    this.#whole = cumulative.map((value) => (value << 128n) / sum)
    this.#first = Float64Array.from(this.#whole, (value) => Number(value >> 96n))
    this.#guide = new Uint16Array(1 << GUIDE_BITS)
    for (let g = 0, i = 0; g < this.#guide.length; g++) {
      while ((this.#first[i] as number) < g * 2 ** (32 - GUIDE_BITS)) i++
      this.#guide[g] = i
    }
  }

  sample(words: RandomWords): number {
    const word = words.next()
    let x = this.#guide[word >>> (32 - GUIDE_BITS)] as number
    while (word > (this.#first[x] as number)) x++
    return word < (this.#first[x] as number) ? x : this.#decide(word, x, words)
  }

  #decide(word: number, x: number, words: RandomWords): number {
    let uniform = BigInt(word)
    for (let i = 0; i < 3; i++) uniform = (uniform << 32n) | BigInt(words.next())
    while (uniform >= (this.#whole[x] as bigint)) x++
    return x
  }
}
