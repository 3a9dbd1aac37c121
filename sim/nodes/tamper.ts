import { payloadTypes, signValue } from '../../core/crypto/envelope.ts'
import { type SigningKey, TAG_BYTES } from '../../core/crypto/primitives.ts'
import { bytesView, float32View, fromUtf8 } from '../../core/encoding/bytes.ts'
import type { CanonicalValue } from '../../core/encoding/canonical-json.ts'
import { randomOf } from '../../core/random/random.ts'
import type { Frame } from '../../core/wire/frame.ts'
import type { Malformation } from '../attacks/attack.ts'

/**
 * Changes what a client sends, below the checks of its own node: values that no node would seal, counts that none would
 * declare. Possible because a simulation's seals are open.
 */
export function tampering(malformation: Malformation, identity: SigningKey, seed: number): (frame: Frame) => Frame {
  const { corrupt, samples, layout } = malformation
  return (frame) => {
    if (frame.type === 'uploadChunk' && corrupt !== undefined) {
      const values = float32View(frame.data.slice(0, frame.data.length - TAG_BYTES))
      const bytes = bytesView(corrupt(values, randomOf(seed, `corrupt/${frame.offset}`)))
      const data = new Uint8Array(bytes.length + TAG_BYTES)
      data.set(bytes)
      data.set(frame.data.subarray(frame.data.length - TAG_BYTES), bytes.length)
      return { ...frame, data }
    }
    if (frame.type !== 'uploadOpen' || (samples === undefined && layout === undefined)) return frame
    const payload = frame.header?.payload ?? new Uint8Array(0)
    const header = JSON.parse(fromUtf8(payload)) as { readonly [key: string]: CanonicalValue }
    const changed = {
      ...header,
      ...(samples === undefined ? {} : { samples }),
      ...(layout === undefined ? {} : { layout: 'f'.repeat(64) }),
    }
    return { ...frame, header: signValue(identity, payloadTypes.update, changed) }
  }
}
