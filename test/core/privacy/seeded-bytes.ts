/** Streams of known bytes for samplers. */
import { createCipheriv, createHash } from 'node:crypto'
import type { RandomBytes } from '../../../core/privacy/noise/random-source.ts'

/** AES-128 in counter mode under a key made of the seed: the same bytes on every machine. */
export function seededBytes(seed: string): RandomBytes {
  const key = createHash('sha256').update(seed).digest().subarray(0, 16)
  const cipher = createCipheriv('aes-128-ctr', key, new Uint8Array(16))
  return (n) => cipher.update(new Uint8Array(n))
}

/** Hands out these bytes one after another; `used` tells how many. */
export function given(bytes: Uint8Array): { readonly randomBytes: RandomBytes; readonly used: () => number } {
  let at = 0
  return {
    randomBytes: (n) => {
      at += n
      if (at > bytes.length) throw new Error('the stream is used up')
      return bytes.subarray(at - n, at)
    },
    used: () => at,
  }
}
