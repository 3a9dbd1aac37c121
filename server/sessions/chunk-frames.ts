import { fromHex } from '../../core/encoding/bytes.ts'
import { chunkFrame } from '../../core/wire/frame.ts'
import { SEGMENT_BYTES } from '../../core/wire/limits.ts'
import type { BlobStore } from '../store/ports.ts'

/** Memory for encoded chunks that wait for another client to ask for them. */
const KEPT_BYTES = 32 * SEGMENT_BYTES

/**
 * Encoded chunks of blobs. A cohort asks for the same model at the same time: each chunk is read and encoded once and
 * its frame is sent to everybody who is near this place, instead of once for each of them.
 */
export class ChunkFrames {
  readonly #blobs: Pick<BlobStore, 'read'>
  readonly #kept = new Map<string, { readonly frame: Promise<Uint8Array>; readonly bytes: number }>()
  #bytes = 0

  constructor(blobs: Pick<BlobStore, 'read'>) {
    this.#blobs = blobs
  }

  /** The frame of the chunk of `length` bytes at `offset`. It is shared: nobody may write to it. */
  get(name: string, offset: number, length: number): Promise<Uint8Array> {
    const key = `${name}/${offset}/${length}`
    const kept = this.#kept.get(key)
    if (kept !== undefined) return kept.frame
    const frame = this.#make(name, offset, length)
    this.#kept.set(key, { frame, bytes: length })
    this.#bytes += length
    frame.catch(() => this.#drop(key))
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= KEPT_BYTES) break
      this.#drop(oldest)
    }
    return frame
  }

  async #make(name: string, offset: number, length: number): Promise<Uint8Array> {
    const { frame, data } = chunkFrame('blobChunk', fromHex(name) ?? new Uint8Array(0), offset, length)
    const read = await this.#blobs.read(name, offset, length, data)
    // A store may give memory of its own.
    if (read.buffer !== data.buffer) data.set(read)
    return frame
  }

  #drop(key: string): void {
    this.#bytes -= this.#kept.get(key)?.bytes ?? 0
    this.#kept.delete(key)
  }
}
