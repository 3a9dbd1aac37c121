import type { Envelope } from '../../core/crypto/envelope.ts'
import { SEALED_SEGMENT_BYTES } from '../../core/crypto/seal.ts'
import { equalBytes } from '../../core/encoding/bytes.ts'
import type { Frame, FrameOf } from '../../core/wire/frame.ts'
import type { Link } from '../../core/wire/link.ts'

/** Something signed that waits for its receipt. `sealed` belongs to an update, and is sent after its header. */
export type Outgoing = {
  readonly kind: 'train' | 'evaluate'
  readonly envelope: Envelope
  /** What the receipt will name: SHA-256 of the sealed update, or of the evaluation's payload. */
  readonly digest: Uint8Array
  readonly sealed?: Uint8Array
  /** Goes before it, each time that it is sent anew. */
  readonly announcement?: Frame
}

type Waiting = { readonly item: Outgoing; readonly settle: (receipt: FrameOf<'receipt'>) => void }

/**
 * Holds at most one answer until the coordinator has given a receipt for it, over as many sessions as that takes. An
 * update goes on at the segment where it broke off.
 */
export class Outbox {
  #link: Link | undefined
  #waiting: Waiting | undefined

  attach(link: Link): void {
    this.#link = link
    this.#open()
  }

  detach(): void {
    this.#link = undefined
  }

  /** Puts an answer in, in place of any earlier one, and resolves with its receipt. */
  deliver(item: Outgoing): Promise<FrameOf<'receipt'>> {
    return new Promise((settle) => {
      this.#waiting = { item, settle }
      this.#open()
    })
  }

  /** The answer is of no use any more. */
  clear(): void {
    this.#waiting = undefined
  }

  /** The coordinator asks for an update from an offset on. Returns at once; segments go out as there is room. */
  ready({ digest, offset }: FrameOf<'uploadReady'>): void {
    const waiting = this.#waiting
    const link = this.#link
    if (waiting?.item.sealed === undefined || link === undefined || !equalBytes(waiting.item.digest, digest)) return
    this.#stream(waiting, waiting.item.sealed, link, offset).catch(() => {})
  }

  receipt(receipt: FrameOf<'receipt'>): void {
    const waiting = this.#waiting
    if (waiting === undefined || waiting.item.kind !== receipt.kind || !equalBytes(waiting.item.digest, receipt.digest))
      return
    this.#waiting = undefined
    waiting.settle(receipt)
  }

  #open(): void {
    const item = this.#waiting?.item
    if (item === undefined) return
    const { envelope, announcement } = item
    // A link that is gone drops this; the next one sends it again.
    if (announcement !== undefined) this.#link?.send(announcement).catch(() => {})
    if (item.kind === 'train') this.#link?.send({ type: 'uploadOpen', header: envelope }).catch(() => {})
    else this.#link?.send({ type: 'evaluation', report: envelope }).catch(() => {})
  }

  async #stream(waiting: Waiting, sealed: Uint8Array, link: Link, from: number): Promise<void> {
    const { digest } = waiting.item
    for (let offset = from; offset < sealed.length; offset += SEALED_SEGMENT_BYTES) {
      // The receipt may come early, for a refusal, and the session may be another by now.
      if (this.#waiting !== waiting || this.#link !== link) return
      const data = sealed.subarray(offset, Math.min(offset + SEALED_SEGMENT_BYTES, sealed.length))
      await link.send({ type: 'uploadChunk', digest, offset, data })
    }
  }
}
