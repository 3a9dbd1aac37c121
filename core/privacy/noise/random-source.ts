/** Gives `n` bytes from a cryptographic generator; in tests from a stream of known bytes. */
export type RandomBytes = (n: number) => Uint8Array

/** Bytes of one block: large enough that the call to the generator does not count. */
const BLOCK = 1 << 16

/** 32-bit words out of blocks of random bytes, little-endian wherever the machine is. */
export class RandomWords {
  readonly #randomBytes: RandomBytes
  readonly #blockBytes: number
  #words = new Uint32Array(0)
  #next = 0

  constructor(randomBytes: RandomBytes, blockBytes = BLOCK) {
    this.#randomBytes = randomBytes
    this.#blockBytes = blockBytes
  }

  /** An integer from 0 to 2³² − 1. */
  next(): number {
    if (this.#next === this.#words.length) this.#refill()
    return this.#words[this.#next++] as number
  }

  #refill(): void {
    const bytes = this.#randomBytes(this.#blockBytes)
    if (bytes.length !== this.#blockBytes) throw new RangeError('the random generator gave fewer bytes than asked for')
    if (this.#words.length === 0) this.#words = new Uint32Array(this.#blockBytes / 4)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    for (let i = 0; i < this.#words.length; i++) this.#words[i] = view.getUint32(4 * i, true)
    this.#next = 0
  }
}
