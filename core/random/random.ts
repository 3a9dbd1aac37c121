/**
 * A seeded generator: xoshiro128** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2018), its state
 * filled by splitmix64 from the seed and the name of the stream. The same seed and stream give the same numbers on every
 * machine and engine: nothing here depends on how exactly `Math.log` or `Math.cos` round. Not for secrets.
 */
export class Random {
  #state: Uint32Array

  /** `state`: four 32-bit words, not all zero. */
  constructor(state: readonly [number, number, number, number]) {
    this.#state = Uint32Array.from(state)
  }

  /** An integer from 0 to 2³² − 1. */
  uint32(): number {
    const s = this.#state
    const s0 = s[0] as number
    const s1 = s[1] as number
    const s2 = s[2] as number
    const s3 = s[3] as number
    const result = Math.imul(rotateLeft(Math.imul(s1, 5), 7), 9) >>> 0
    const x2 = s2 ^ s0
    const x3 = s3 ^ s1
    s[1] = s1 ^ x2
    s[0] = s0 ^ x3
    s[2] = x2 ^ (s1 << 9)
    s[3] = rotateLeft(x3, 11)
    return result
  }

  /** A double in [0, 1), a multiple of 2⁻⁵³. */
  uniform(): number {
    return ((this.uint32() >>> 5) * 0x4000000 + (this.uint32() >>> 6)) / 0x20000000000000
  }

  /** An integer from 0 to `n` − 1, each equally likely; `n` from 1 to 2³². */
  below(n: number): number {
    const usable = 0x100000000 - (0x100000000 % n)
    let value = this.uint32()
    while (value >= usable) value = this.uint32()
    return value % n
  }

  /**
   * A standard normal value: k + x with a random sign, accepted by comparisons of uniform numbers only (Karney, "Sampling
   * exactly from the normal distribution", ACM TOMS 42(1), 2016, algorithm N), so that no logarithm is rounded.
   */
  normal(): number {
    for (;;) {
      let k = 0
      while (this.#exp(0.5)) k++
      if (!this.#all(k * (k - 1), 0.5)) continue
      const x = this.uniform()
      if (!this.#all(k + 1, (x * (2 * k + x)) / (2 * k + 2))) continue
      return this.uint32() < 0x80000000 ? k + x : -(k + x)
    }
  }

  /** Puts the items into random order, in place (Fisher–Yates), and gives them back. */
  shuffle<Items extends { length: number; [index: number]: unknown }>(items: Items): Items {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1)
      const held = items[i]
      items[i] = items[j]
      items[j] = held
    }
    return items
  }

  /** True with probability e^−p, for p from 0 to 1: the run p > u₁ > u₂ > … has even length (von Neumann, 1951). */
  #exp(p: number): boolean {
    let last = p
    let even = true
    for (;;) {
      const next = this.uniform()
      if (next >= last) return even
      last = next
      even = !even
    }
  }

  #all(times: number, p: number): boolean {
    for (let i = 0; i < times; i++) if (!this.#exp(p)) return false
    return true
  }
}

/**
 * The generator of a seed (a safe integer from 0 on) and of a stream: streams of one seed are independent of each other, so
 * that, say, one more draw for the split does not change the order of the batches.
 */
export function randomOf(seed: number, stream = ''): Random {
  let x = splitmix64(BigInt(seed))
  for (let i = 0; i < stream.length; i++) x = splitmix64(x ^ BigInt(stream.charCodeAt(i)))
  const words: number[] = []
  for (let i = 0; i < 2; i++) {
    x = BigInt.asUintN(64, x + GAMMA)
    const value = mix(x)
    words.push(Number(value & 0xffffffffn), Number(value >> 32n))
  }
  return new Random([words[0] as number, words[1] as number, words[2] as number, words[3] as number])
}

const GAMMA = 0x9e3779b97f4a7c15n

/** One output of splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014). */
export function splitmix64(seed: bigint): bigint {
  return mix(BigInt.asUintN(64, seed + GAMMA))
}

function mix(z: bigint): bigint {
  z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n)
  z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn)
  return z ^ (z >> 31n)
}

function rotateLeft(x: number, k: number): number {
  return (x << k) | (x >>> (32 - k))
}
