/**
 * The discrete Fourier transform of n complex numbers, n a power of two, in place: Cooley and Tukey's radix-2 algorithm
 * (Mathematics of Computation 19, 1965) with tabulated roots of unity. Real and imaginary parts lie in arrays of their own.
 */
export class Fft {
  readonly size: number
  readonly #cos: Float64Array
  readonly #sin: Float64Array

  /** @throws RangeError unless `size` is a power of two from 1 to 2²⁶. */
  constructor(size: number) {
    if (!Number.isInteger(Math.log2(size)) || size < 1 || size > 2 ** 26) {
      throw new RangeError(`the size of a Fourier transform is a power of two up to 2^26, not ${size}`)
    }
    this.size = size
    this.#cos = new Float64Array(size >> 1)
    this.#sin = new Float64Array(size >> 1)
    for (let k = 0; k < size >> 1; k++) {
      this.#cos[k] = Math.cos((2 * Math.PI * k) / size)
      this.#sin[k] = Math.sin((2 * Math.PI * k) / size)
    }
  }

  /** Xₖ = Σⱼ xⱼ·e^{−2πijk/n}. */
  forward(re: Float64Array, im: Float64Array): void {
    const n = this.size
    const cos = this.#cos
    const sin = this.#sin
    reverseBits(re, im)
    for (let half = 1; half < n; half <<= 1) {
      const stride = n / (2 * half)
      for (let start = 0; start < n; start += 2 * half) {
        for (let j = 0; j < half; j++) {
          const c = cos[j * stride] as number
          const s = sin[j * stride] as number
          const a = start + j
          const b = a + half
          const bRe = re[b] as number
          const bIm = im[b] as number
          const tRe = bRe * c + bIm * s
          const tIm = bIm * c - bRe * s
          const aRe = re[a] as number
          const aIm = im[a] as number
          re[b] = aRe - tRe
          im[b] = aIm - tIm
          re[a] = aRe + tRe
          im[a] = aIm + tIm
        }
      }
    }
  }

  /** xⱼ = (1/n)·Σₖ Xₖ·e^{2πijk/n}. */
  inverse(re: Float64Array, im: Float64Array): void {
    this.forward(im, re)
    for (let k = 0; k < this.size; k++) {
      re[k] = (re[k] as number) / this.size
      im[k] = (im[k] as number) / this.size
    }
  }
}

function reverseBits(re: Float64Array, im: Float64Array): void {
  const n = re.length
  let j = 0
  for (let i = 1; i < n; i++) {
    let bit = n >> 1
    while (j & bit) {
      j ^= bit
      bit >>= 1
    }
    j ^= bit
    if (i >= j) continue
    swap(re, i, j)
    swap(im, i, j)
  }
}

function swap(values: Float64Array, i: number, j: number): void {
  const held = values[i] as number
  values[i] = values[j] as number
  values[j] = held
}
