import type { Crypto } from '../../core/crypto/primitives.ts'

const FIRST_MS = 100

/** Exponential back-off with full jitter: waits are drawn from 0 to a ceiling that doubles up to `maxMs`. */
export class Backoff {
  readonly #crypto: Pick<Crypto, 'randomBytes'>
  readonly #maxMs: number
  #ceilingMs = FIRST_MS

  constructor(crypto: Pick<Crypto, 'randomBytes'>, maxMs: number) {
    this.#crypto = crypto
    this.#maxMs = maxMs
  }

  /** Milliseconds to wait before the next attempt. */
  next(): number {
    const bytes = this.#crypto.randomBytes(4)
    const share = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0) / 2 ** 32
    const wait = Math.round(share * this.#ceilingMs)
    this.#ceilingMs = Math.min(2 * this.#ceilingMs, this.#maxMs)
    return wait
  }

  reset(): void {
    this.#ceilingMs = FIRST_MS
  }
}
