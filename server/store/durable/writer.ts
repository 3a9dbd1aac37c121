import { createHash, type Hash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { ParleyError } from '../../../core/errors/index.ts'
import type { BlobWriter, Digest } from '../ports.ts'
import { storeFailure } from './failures.ts'
import { PIECE_BYTES, readFully, writeFully } from './files.ts'

/** What the store does for a writer when it ends. */
export type WriterEnds = {
  /** Gives the synced and closed file its name. */
  readonly place: (digest: Digest) => Promise<void>
  readonly discard: () => Promise<void>
  /** The writer is not in use any more. */
  readonly ended: () => void
}

export type WriterPlan = WriterEnds & {
  readonly handle: FileHandle
  /** What a resumed writer must come to; absent for a new blob, of which nothing is kept unless it is committed. */
  readonly promised?: { readonly digest: Digest; readonly length: number }
}

/** Writes a file and its SHA-256 side by side. Calls are done one after another, in the order in which they came. */
export class FileWriter implements BlobWriter {
  readonly #plan: WriterPlan
  readonly #hash: Hash = createHash('sha256')
  #written = 0
  #state: 'open' | 'replaced' | 'broken' | 'done' = 'open'
  #last: Promise<unknown> = Promise.resolve()

  constructor(plan: WriterPlan) {
    this.#plan = plan
  }

  get written(): number {
    return this.#written
  }

  /** Takes over the first `length` bytes of the file, which it reads once to hash them, and cuts off the rest. */
  async adopt(length: number): Promise<void> {
    const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, length))
    while (this.#written < length) {
      const part = piece.subarray(0, Math.min(piece.length, length - this.#written))
      if (!(await readFully(this.#plan.handle, part, this.#written))) break
      this.#hash.update(part)
      this.#written += part.length
    }
    await this.#plan.handle.truncate(this.#written)
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#next('writing a blob', async () => {
      const limit = this.#plan.promised?.length ?? Number.POSITIVE_INFINITY
      if (this.#written + bytes.length > limit) throw new ParleyError('request.invalid', 'more bytes than promised')
      for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
        const piece = bytes.subarray(at, at + PIECE_BYTES)
        await writeFully(this.#plan.handle, piece, this.#written)
        this.#hash.update(piece)
        this.#written += piece.length
      }
    })
  }

  commit(): Promise<Digest> {
    return this.#next('committing a blob', async () => {
      const { handle, promised, place } = this.#plan
      const digest = this.#hash.digest('hex')
      if (promised !== undefined && (this.#written !== promised.length || digest !== promised.digest)) {
        await this.#end()
        await this.#plan.discard()
        throw new ParleyError('update.digest-mismatch')
      }
      await handle.datasync()
      await this.#end()
      try {
        await place(digest)
      } catch (failure) {
        if (promised === undefined) await this.#plan.discard()
        throw failure
      }
      return digest
    })
  }

  async release(): Promise<void> {
    await this.#last
    if (this.#state === 'replaced' || this.#state === 'done') return
    await this.#end()
    if (this.#plan.promised === undefined) await this.#plan.discard()
  }

  /** Ends this writer in favour of another one, once what is under way is through. */
  async takeOver(): Promise<void> {
    const before = this.#state
    if (before === 'open' || before === 'broken') this.#state = 'replaced'
    await this.#last
    // A commit that was under way has closed the file itself.
    if (this.#state === 'replaced') await this.#plan.handle.close()
  }

  async #end(): Promise<void> {
    this.#state = 'done'
    this.#plan.ended()
    await this.#plan.handle.close()
  }

  #next<Result>(what: string, work: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(async () => {
      this.#check()
      try {
        return await work()
      } catch (failure) {
        if (this.#state === 'open') this.#state = 'broken'
        throw storeFailure(failure, what)
      }
    })
    this.#last = result.catch(() => {})
    return result
  }

  #check(): void {
    if (this.#state === 'replaced') throw new ParleyError('session.replaced', 'another writer of the blob took over')
    if (this.#state === 'broken') throw new ParleyError('store.failed', 'an earlier write of this blob failed')
    if (this.#state === 'done') throw new ParleyError('internal', 'the writer was finished before')
  }
}
