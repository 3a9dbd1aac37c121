import type { Crypto } from '../crypto/primitives.ts'
import { digestOf } from './transcript.ts'

/** Two linear checks over all lanes of a vector, so that the checks of a sum are the sums of the checks. */
export const CHECKSUM_LANES = 2

const PIECE_LANES = 8 * 1024

/** The key of the public multipliers of one session. */
export function checksumKey(crypto: Crypto, configHash: Uint8Array): Uint8Array {
  return digestOf(crypto, 'checksum', configHash)
}

/**
 * h_m = Σ_j ρ_j^(m)·lane_j mod 2³² for m = 0, 1 over lanes 0 … `lanes.length` − 1. The multipliers are odd, alternate words of
 * an AES-256-CTR keystream (little-endian). Random errors pass both with probability 2⁻⁶⁴.
 */
export function checksumOf(crypto: Crypto, key: Uint8Array, lanes: Uint32Array): [number, number] {
  const stream = crypto.keystream(key)
  let first = 0
  let second = 0
  for (let at = 0; at < lanes.length; at += PIECE_LANES) {
    const piece = lanes.subarray(at, at + PIECE_LANES)
    const multipliers = words(stream.next(8 * piece.length))
    for (let j = 0; j < piece.length; j++) {
      const lane = piece[j] as number
      first = (first + Math.imul((multipliers[2 * j] as number) | 1, lane)) | 0
      second = (second + Math.imul((multipliers[2 * j + 1] as number) | 1, lane)) | 0
    }
  }
  return [first >>> 0, second >>> 0]
}

/**
 * Bytes as 32-bit integers in the order of the platform, which is little-endian wherever JavaScript engines run today
 * (and asserted by the known answers in the tests). A view where the alignment allows it.
 */
export function words(bytes: Uint8Array): Int32Array {
  if (bytes.byteOffset % 4 === 0) return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2)
  return new Int32Array(bytes.slice().buffer, 0, bytes.length >>> 2)
}
