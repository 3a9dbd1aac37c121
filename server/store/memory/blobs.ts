import { concatBytes } from '../../../core/encoding/bytes.ts'
import { ParleyError } from '../../../core/errors/index.ts'
import { checkDigest, checkRange, checkResume, sha256Hex } from '../digest.ts'
import type { BlobStore, BlobWriter, Digest } from '../ports.ts'

/** Blobs in memory: for tests, simulations and demonstrations. */
export class MemoryBlobs implements BlobStore {
  readonly #blobs = new Map<Digest, Uint8Array>()
  readonly #partial = new Map<Digest, Uint8Array>()
  readonly #writers = new Map<Digest, MemoryWriter>()

  async size(digest: Digest): Promise<number | undefined> {
    checkDigest(digest)
    return this.#blobs.get(digest)?.length
  }

  async read(digest: Digest, offset: number, length: number, into?: Uint8Array): Promise<Uint8Array> {
    const blob = this.#find(digest)
    checkRange(offset, length, blob.length)
    if (into === undefined || into.length < length) return blob.slice(offset, offset + length)
    into.set(blob.subarray(offset, offset + length))
    return into.subarray(0, length)
  }

  async verify(digest: Digest): Promise<void> {
    if (sha256Hex(this.#find(digest)) !== digest) throw new ParleyError('store.corrupt', `blob ${digest} was altered`)
  }

  async put(bytes: Uint8Array): Promise<Digest> {
    return this.#keep(bytes.slice())
  }

  async create(): Promise<BlobWriter> {
    return new MemoryWriter({ start: new Uint8Array(0), finish: (bytes) => this.#keep(bytes), keep: () => {} })
  }

  async resume(digest: Digest, length: number, granule: number): Promise<BlobWriter> {
    checkResume(digest, length, granule)
    const complete = this.#blobs.get(digest)
    if (complete !== undefined && complete.length !== length) {
      throw new ParleyError('update.digest-mismatch', `blob ${digest} has ${complete.length} bytes, not ${length}`)
    }
    this.#takeOver(digest)
    const partial = this.#partial.get(digest) ?? new Uint8Array(0)
    const whole = partial.length > length ? 0 : Math.floor(partial.length / granule) * granule
    const writer: MemoryWriter = new MemoryWriter({
      start: complete ?? partial.slice(0, whole),
      length,
      finish: (bytes) => this.#finish(digest, length, writer, bytes),
      keep: (bytes) => {
        if (complete === undefined) this.#partial.set(digest, bytes)
        this.#writers.delete(digest)
      },
    })
    this.#writers.set(digest, writer)
    return writer
  }

  async remove(digest: Digest): Promise<void> {
    checkDigest(digest)
    this.#takeOver(digest)
    this.#partial.delete(digest)
    this.#blobs.delete(digest)
  }

  async *list(): AsyncIterable<Digest> {
    yield* [...this.#blobs.keys()]
  }

  #find(digest: Digest): Uint8Array {
    checkDigest(digest)
    const blob = this.#blobs.get(digest)
    if (blob === undefined) throw new ParleyError('object.not-found', `there is no blob ${digest}`)
    return blob
  }

  #keep(bytes: Uint8Array): Digest {
    const digest = sha256Hex(bytes)
    if (!this.#blobs.has(digest)) this.#blobs.set(digest, bytes)
    return digest
  }

  #takeOver(digest: Digest): void {
    const earlier = this.#writers.get(digest)
    if (earlier === undefined) return
    this.#partial.set(digest, earlier.takeOver())
    this.#writers.delete(digest)
  }

  #finish(digest: Digest, length: number, writer: MemoryWriter, bytes: Uint8Array): Digest {
    if (this.#writers.get(digest) === writer) this.#writers.delete(digest)
    this.#partial.delete(digest)
    if (bytes.length !== length || sha256Hex(bytes) !== digest) throw new ParleyError('update.digest-mismatch')
    return this.#keep(bytes)
  }
}

type WriterPlan = {
  readonly start: Uint8Array
  readonly length?: number
  readonly finish: (bytes: Uint8Array) => Digest
  readonly keep: (bytes: Uint8Array) => void
}

class MemoryWriter implements BlobWriter {
  readonly #plan: WriterPlan
  readonly #pieces: Uint8Array[]
  #written: number
  #state: 'open' | 'replaced' | 'done' = 'open'

  constructor(plan: WriterPlan) {
    this.#plan = plan
    this.#pieces = [plan.start]
    this.#written = plan.start.length
  }

  get written(): number {
    return this.#written
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#check()
    if (this.#written + bytes.length > (this.#plan.length ?? Number.POSITIVE_INFINITY)) {
      throw new ParleyError('request.invalid', 'more bytes than promised')
    }
    this.#pieces.push(bytes.slice())
    this.#written += bytes.length
  }

  async commit(): Promise<Digest> {
    this.#check()
    this.#state = 'done'
    return this.#plan.finish(concatBytes(...this.#pieces))
  }

  async release(): Promise<void> {
    if (this.#state !== 'open') return
    this.#state = 'done'
    this.#plan.keep(concatBytes(...this.#pieces))
  }

  /** Ends this writer in favour of another one, which goes on from the bytes returned. */
  takeOver(): Uint8Array {
    this.#state = 'replaced'
    return concatBytes(...this.#pieces)
  }

  #check(): void {
    if (this.#state === 'replaced') throw new ParleyError('session.replaced', 'another writer of the blob took over')
    if (this.#state === 'done') throw new ParleyError('internal', 'the writer was finished before')
  }
}
