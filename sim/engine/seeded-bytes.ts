import type { RandomBytes } from '../../core/privacy/index.ts'
import { randomOf } from '../../core/random/random.ts'

/**
 * Bytes that follow from a seed and the name of a stream, in the place of a cryptographic generator: noise made of them hides
 * nothing from whoever knows the seed. Never to be used with data that must be hidden.
 */
export function insecureSeededBytes(seed: number, stream: string): RandomBytes {
  const random = randomOf(seed, stream)
  return (length) => {
    const bytes = new Uint8Array(4 * Math.ceil(length / 4))
    const view = new DataView(bytes.buffer)
    for (let at = 0; at < bytes.length; at += 4) view.setUint32(at, random.uint32(), true)
    return bytes.subarray(0, length)
  }
}
