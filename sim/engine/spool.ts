import { ParleyError } from '../../core/errors/index.ts'
import { memoryStore, type Store } from '../../server/index.ts'

type Spool = Store['spool']
type Writer = Awaited<ReturnType<Spool['create']>>

/**
 * A store in memory whose spool keeps the very bytes that came: an update is never copied on its way in. `forgetUpdates`
 * drops those of rounds that are over, whose memory is used again.
 */
export function simulationStore(): Store & { readonly forgetUpdates: () => void } {
  const spool = new ReferenceSpool()
  return { ...memoryStore(), spool, forgetUpdates: () => spool.clear() }
}

/** The chunks of each blob as they were written. Names are believed: nobody lies to a simulation about a digest. */
class ReferenceSpool implements Spool {
  readonly givesViews = true
  readonly #blobs = new Map<string, Chunks>()

  clear(): void {
    this.#blobs.clear()
  }

  async size(digest: string): Promise<number | undefined> {
    return this.#blobs.get(digest)?.bytes
  }

  async read(digest: string, offset: number, length: number, into?: Uint8Array): Promise<Uint8Array> {
    const chunks = this.#blobs.get(digest)
    if (chunks === undefined) throw new ParleyError('object.not-found', `there is no blob ${digest}`)
    return chunks.read(offset, length, into)
  }

  async verify(): Promise<void> {}

  async put(): Promise<string> {
    throw unsupported()
  }

  async create(): Promise<Writer> {
    throw unsupported()
  }

  async resume(digest: string, length: number, _granule: number): Promise<Writer> {
    const complete = this.#blobs.get(digest)
    const chunks = complete ?? new Chunks()
    return {
      written: complete?.bytes ?? 0,
      write: async (bytes) => chunks.add(bytes),
      commit: async () => {
        if (chunks.bytes !== length) throw new ParleyError('update.digest-mismatch', `${chunks.bytes} bytes came`)
        this.#blobs.set(digest, chunks)
        return digest
      },
      // An upload that breaks off begins anew.
      release: async () => {},
    }
  }

  async remove(digest: string): Promise<void> {
    this.#blobs.delete(digest)
  }

  async *list(): AsyncIterable<string> {
    yield* this.#blobs.keys()
  }
}

class Chunks {
  readonly #chunks: { readonly from: number; readonly data: Uint8Array }[] = []
  bytes = 0

  add(data: Uint8Array): void {
    this.#chunks.push({ from: this.bytes, data })
    this.bytes += data.length
  }

  read(offset: number, length: number, into?: Uint8Array): Uint8Array {
    const chunk = this.#chunks.findLast(({ from }) => from <= offset)
    if (chunk === undefined || offset + length > this.bytes) {
      throw new ParleyError('request.invalid', `${length} bytes at ${offset} are not within ${this.bytes} bytes`)
    }
    // Segments are read as they were written.
    const within = chunk.data.subarray(offset - chunk.from, offset - chunk.from + length)
    if (within.length === length) return within
    const whole = into !== undefined && into.length >= length ? into.subarray(0, length) : new Uint8Array(length)
    for (const { from, data } of this.#chunks) {
      const start = Math.max(from, offset)
      const end = Math.min(from + data.length, offset + length)
      if (start < end) whole.set(data.subarray(start - from, end - from), start - offset)
    }
    return whole
  }
}

function unsupported(): ParleyError {
  return new ParleyError('internal', 'a simulation’s spool takes updates only')
}
