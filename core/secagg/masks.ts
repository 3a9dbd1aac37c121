import type { Crypto } from '../crypto/primitives.ts'
import { words } from './checksum.ts'
import { transcript } from './transcript.ts'

/**
 * Masks: AES-256-CTR keystreams from a zero counter block, read as little-endian 32-bit lanes and added modulo 2³². One key
 * for each pair of neighbours and one for each client, bound to the session, its configuration and its roster.
 */
export type Sign = 1 | -1

/** A keystream to add to, or to take from, a vector. */
export type Mask = { readonly key: Uint8Array; readonly sign: Sign }

/** The hot loop of masking. `offset` is the lane of the keystream at which `lanes`, a part of the vector, begins. */
export interface MaskArithmetic {
  addKeystream(key: Uint8Array, sign: Sign, lanes: Uint32Array, offset?: number): void
}

/** What all mask keys of a session are bound to. */
export type MaskContext = {
  /** 16 bytes. */
  readonly session: Uint8Array
  readonly configHash: Uint8Array
  readonly rosterHash: Uint8Array
}

/** `shared` is X25519 of both mask keys; the indices are those of the roster, in any order. */
export function pairKey(crypto: Crypto, context: MaskContext, shared: Uint8Array, i: number, j: number): Uint8Array {
  const { session, configHash, rosterHash } = context
  const info = transcript('pair', configHash, rosterHash, Math.min(i, j), Math.max(i, j))
  return crypto.hkdf(shared, session, info, 32)
}

export function selfKey(crypto: Crypto, context: MaskContext, seed: Uint8Array, index: number): Uint8Array {
  const { session, configHash, rosterHash } = context
  return crypto.hkdf(seed, session, transcript('self', configHash, rosterHash, index), 32)
}

/** The sign with which client `own` adds the mask that it shares with `other`: + for the lower index. */
export function pairSign(own: number, other: number): Sign {
  return own < other ? 1 : -1
}

const BLOCK_LANES = 4
const PIECE_LANES = 16 * 1024

/** `MaskArithmetic` in plain JavaScript over any `Crypto`, in pieces of 64 KiB. */
export function maskArithmeticOf(crypto: Crypto): MaskArithmetic {
  return {
    addKeystream(key, sign, lanes, offset = 0) {
      const stream = crypto.keystream(key, Math.floor(offset / BLOCK_LANES))
      if (offset % BLOCK_LANES > 0) stream.next(4 * (offset % BLOCK_LANES))
      const signed = new Int32Array(lanes.buffer, lanes.byteOffset, lanes.length)
      for (let at = 0; at < signed.length; at += PIECE_LANES) {
        const piece = signed.subarray(at, at + PIECE_LANES)
        const mask = words(stream.next(4 * piece.length))
        if (sign === 1) add(piece, mask)
        else subtract(piece, mask)
      }
    },
  }
}

// Four lanes a turn: the engine does not unroll, and the loop would cost more than the cipher.
function add(lanes: Int32Array, mask: Int32Array): void {
  const whole = lanes.length & ~3
  for (let i = 0; i < whole; i += 4) {
    lanes[i] = ((lanes[i] as number) + (mask[i] as number)) | 0
    lanes[i + 1] = ((lanes[i + 1] as number) + (mask[i + 1] as number)) | 0
    lanes[i + 2] = ((lanes[i + 2] as number) + (mask[i + 2] as number)) | 0
    lanes[i + 3] = ((lanes[i + 3] as number) + (mask[i + 3] as number)) | 0
  }
  for (let i = whole; i < lanes.length; i++) lanes[i] = ((lanes[i] as number) + (mask[i] as number)) | 0
}

function subtract(lanes: Int32Array, mask: Int32Array): void {
  const whole = lanes.length & ~3
  for (let i = 0; i < whole; i += 4) {
    lanes[i] = ((lanes[i] as number) - (mask[i] as number)) | 0
    lanes[i + 1] = ((lanes[i + 1] as number) - (mask[i + 1] as number)) | 0
    lanes[i + 2] = ((lanes[i + 2] as number) - (mask[i + 2] as number)) | 0
    lanes[i + 3] = ((lanes[i + 3] as number) - (mask[i + 3] as number)) | 0
  }
  for (let i = whole; i < lanes.length; i++) lanes[i] = ((lanes[i] as number) - (mask[i] as number)) | 0
}
