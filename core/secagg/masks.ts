import type { Crypto, Keystream } from '../crypto/primitives.ts'
import { words } from './checksum.ts'
import { transcript } from './transcript.ts'

/**
 * Masks: AES-256-CTR keystreams from a zero counter block, read as little-endian 32-bit lanes and added modulo 2³². One key
 * for each pair of neighbours and one for each client, bound to the session, its configuration and its roster.
 */
export type Sign = 1 | -1

/** A keystream to add to, or to take from, a vector. */
export type Mask = { readonly key: Uint8Array; readonly sign: Sign }

/** The hot loop of masking. `offset` is the lane of the keystreams at which `lanes`, a part of the vector, begins. */
export interface MaskArithmetic {
  addMasks(masks: readonly Mask[], lanes: Uint32Array, offset?: number): void
  /** The same while the caller does other things; nobody may touch `lanes` meanwhile. */
  addMasksInTime?(masks: readonly Mask[], lanes: Uint32Array, offset?: number): Promise<void>
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
/** 64 KiB: longer pieces cost their allocation, shorter ones their calls. */
const PIECE_LANES = 16 * 1024
/** Keystreams that go into a lane at a time, so that it is read and written once for all of them. */
const AT_ONCE = 4

/** `MaskArithmetic` in plain JavaScript over any `Crypto`. */
export function maskArithmeticOf(crypto: Crypto): MaskArithmetic {
  return {
    addMasks(masks, lanes, offset = 0) {
      const signed = new Int32Array(lanes.buffer, lanes.byteOffset, lanes.length)
      // Of one sign at a time: no loop has to look at it.
      for (const sign of [1, -1] as const) {
        const keys = masks.filter((mask) => mask.sign === sign).map(({ key }) => key)
        for (let first = 0; first < keys.length; first += AT_ONCE) {
          addStreams(
            keys.slice(first, first + AT_ONCE).map((key) => maskStream(crypto, key, offset)),
            sign,
            signed,
          )
        }
      }
    },
  }
}

/** The keystream of a mask from this lane on. */
export function maskStream(crypto: Crypto, key: Uint8Array, lane: number): Keystream {
  const stream = crypto.keystream(key, Math.floor(lane / BLOCK_LANES))
  if (lane % BLOCK_LANES > 0) stream.next(4 * (lane % BLOCK_LANES))
  return stream
}

function addStreams(streams: readonly Keystream[], sign: Sign, lanes: Int32Array): void {
  const [a, b, c, d] = streams
  for (let at = 0; at < lanes.length; at += PIECE_LANES) {
    const piece = lanes.subarray(at, at + PIECE_LANES)
    const next = (stream: Keystream) => words(stream.next(4 * piece.length))
    if (a !== undefined && b !== undefined && c !== undefined && d !== undefined) {
      addFour(piece, next(a), next(b), next(c), next(d), sign)
    } else {
      for (const stream of streams) addOne(piece, next(stream), sign)
    }
  }
}

function addFour(lanes: Int32Array, a: Int32Array, b: Int32Array, c: Int32Array, d: Int32Array, sign: Sign): void {
  if (sign === 1) {
    for (let i = 0; i < lanes.length; i++) {
      lanes[i] =
        ((lanes[i] as number) +
          (((a[i] as number) + (b[i] as number)) | 0) +
          (((c[i] as number) + (d[i] as number)) | 0)) |
        0
    }
  } else {
    for (let i = 0; i < lanes.length; i++) {
      lanes[i] =
        ((lanes[i] as number) -
          (((a[i] as number) + (b[i] as number)) | 0) -
          (((c[i] as number) + (d[i] as number)) | 0)) |
        0
    }
  }
}

function addOne(lanes: Int32Array, mask: Int32Array, sign: Sign): void {
  if (sign === 1) for (let i = 0; i < lanes.length; i++) lanes[i] = ((lanes[i] as number) + (mask[i] as number)) | 0
  else for (let i = 0; i < lanes.length; i++) lanes[i] = ((lanes[i] as number) - (mask[i] as number)) | 0
}

/** lanes += vector modulo 2³². Four a turn: the engine does not unroll. */
export function addVector(lanes: Uint32Array, vector: Uint32Array): void {
  const to = new Int32Array(lanes.buffer, lanes.byteOffset, lanes.length)
  const from = new Int32Array(vector.buffer, vector.byteOffset, lanes.length)
  const whole = to.length & ~3
  for (let i = 0; i < whole; i += 4) {
    to[i] = ((to[i] as number) + (from[i] as number)) | 0
    to[i + 1] = ((to[i + 1] as number) + (from[i + 1] as number)) | 0
    to[i + 2] = ((to[i + 2] as number) + (from[i + 2] as number)) | 0
    to[i + 3] = ((to[i + 3] as number) + (from[i + 3] as number)) | 0
  }
  for (let i = whole; i < to.length; i++) to[i] = ((to[i] as number) + (from[i] as number)) | 0
}
