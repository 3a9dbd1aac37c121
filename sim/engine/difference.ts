import { type Difference, difference } from '../../client/index.ts'
import type { Kernels } from '../../kernels/index.ts'

/** Values that are copied and subtracted at a time: what was copied is still in the cache. */
const PIECE = 16_384

/**
 * The difference worked out in the kernels' memory, where updates of a simulation lie. `before` is the model of a round, the
 * same for all of its clients: it is copied there once. It must lie in memory that nobody writes to.
 */
export function differenceInKernels(kernels: Kernels): Difference {
  let copied: Float32Array | undefined
  let block = kernels.allocate(0)
  const addressOf = (before: Float32Array): number => {
    const known = copied?.buffer === before.buffer && copied.byteOffset === before.byteOffset
    if (known && copied?.length === before.length) return block.address
    if (block.bytes !== before.byteLength) {
      block.release()
      block = kernels.allocate(before.byteLength)
    }
    block.float32().set(before)
    copied = before
    return block.address
  }
  return (after, before, out) => {
    const to = kernels.addressOf(out)
    if (to === undefined || !(before.buffer instanceof SharedArrayBuffer)) return difference(after, before, out)
    const from = addressOf(before)
    let finite = true
    for (let at = 0; at < out.length; at += PIECE) {
      const length = Math.min(PIECE, out.length - at)
      out.set(after.subarray(at, at + length), at)
      finite = kernels.subtract({ out: to + 4 * at, before: from + 4 * at, length }) && finite
    }
    return finite
  }
}
