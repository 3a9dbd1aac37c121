import { fromHex, toHex } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { FrameOf } from '../../core/wire/frame.ts'
import { SEGMENT_BYTES } from '../../core/wire/limits.ts'
import type { Link } from '../../core/wire/link.ts'
import type { BlobStore } from '../store/ports.ts'
import type { ChunkFrames } from './chunk-frames.ts'

// A client needs one download at a time; some may overlap when tasks follow each other quickly.
const MAX_PENDING = 8
// A client fetches for the tasks it was offered last; older blobs are of no use to it.
const MAX_GRANTED = 64

/** Sends the blobs that one client asks for, one after the other, and only those that its tasks name. */
export class Downloads {
  readonly #link: Link
  readonly #blobs: Pick<BlobStore, 'size'>
  readonly #frames: ChunkFrames
  readonly #granted = new Set<string>()
  #pending = 0
  #tail: Promise<void> = Promise.resolve()

  constructor(link: Link, blobs: Pick<BlobStore, 'size'>, frames: ChunkFrames) {
    this.#link = link
    this.#blobs = blobs
    this.#frames = frames
  }

  grant(digests: readonly string[]): void {
    for (const digest of digests) {
      this.#granted.delete(digest)
      this.#granted.add(digest)
    }
    for (const oldest of this.#granted) {
      if (this.#granted.size <= MAX_GRANTED) break
      this.#granted.delete(oldest)
    }
  }

  /** Queues a request. Throws `session.protocol` when too many wait. */
  request({ digest, offset }: FrameOf<'blobRequest'>): void {
    if (this.#pending >= MAX_PENDING) throw new ParleyError('session.protocol', 'too many downloads at once')
    this.#pending++
    this.#tail = this.#tail
      .then(() => this.#sendBlob(toHex(digest), offset))
      .catch((error: unknown) => this.#link.fail(ParleyError.from(error)))
      .finally(() => this.#pending--)
  }

  async #sendBlob(name: string, from: number): Promise<void> {
    const digest = fromHex(name) ?? new Uint8Array(0)
    const size = this.#granted.has(name) ? await this.#blobs.size(name) : undefined
    if (size === undefined || from > size) return this.#link.send({ type: 'blobAbsent', digest })
    for (let offset = from; offset < size; offset += SEGMENT_BYTES) {
      const frame = await this.#frames.get(name, offset, Math.min(SEGMENT_BYTES, size - offset))
      await this.#link.sendEncoded(() => frame)
    }
  }
}
