import type { Crypto } from '../core/crypto/primitives.ts'
import { type Mask, type MaskArithmetic, maskStream } from '../core/secagg/masks.ts'
import type { Block, Kernels } from './kernels.ts'
import { PIECE_LANES } from './work.ts'

/** Keystreams that are open at a time: each goes over all pieces, so that a piece is copied in and out once for all of them. */
const AT_ONCE = 256

/**
 * Secure aggregation's masks with SIMD: the same sums as the plain loops, in less than half of their time, and on all threads
 * of the kernels where there is time to wait.
 */
export function maskArithmeticIn(kernels: Kernels, crypto: Crypto): MaskArithmetic {
  let scratch: { readonly lanes: Block; readonly stream: Block } | undefined
  return {
    addMasks(masks, lanes, offset = 0) {
      scratch ??= { lanes: kernels.allocate(4 * PIECE_LANES), stream: kernels.allocate(4 * PIECE_LANES) }
      for (let first = 0; first < masks.length; first += AT_ONCE) {
        addSome(kernels, crypto, masks.slice(first, first + AT_ONCE), lanes, offset, scratch)
      }
    },
    addMasksInTime: (masks, lanes, offset = 0) => kernels.addMasks({ masks, lanes, offset }),
  }
}

function addSome(
  kernels: Kernels,
  crypto: Crypto,
  masks: readonly Mask[],
  lanes: Uint32Array,
  offset: number,
  scratch: { readonly lanes: Block; readonly stream: Block },
): void {
  const streams = masks.map(({ key, sign }) => ({ stream: maskStream(crypto, key, offset), sign }))
  const there = scratch.lanes.uint8()
  const keystream = scratch.stream.uint8()
  const bytes = new Uint8Array(lanes.buffer, lanes.byteOffset, lanes.byteLength)
  for (let at = 0; at < lanes.length; at += PIECE_LANES) {
    const length = Math.min(PIECE_LANES, lanes.length - at)
    there.set(bytes.subarray(4 * at, 4 * (at + length)))
    for (const { stream, sign } of streams) {
      keystream.set(stream.next(4 * length))
      kernels.addLanes({ out: scratch.lanes.address, other: scratch.stream.address, length, sign })
    }
    bytes.set(there.subarray(0, 4 * length), 4 * at)
  }
  // Masks are secrets, and the memory is shared with everything that aggregates.
  there.fill(0)
  keystream.fill(0)
}
