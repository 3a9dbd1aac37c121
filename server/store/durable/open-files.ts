import type { FileHandle } from 'node:fs/promises'
import type { Digest } from '../ports.ts'
import type { OpenBlob } from './reading.ts'

// Enough for the models and updates of a few rounds that are read at the same time.
const KEPT = 64

type Entry = { readonly blob: Promise<OpenBlob>; users: number; dropped: boolean }

/**
 * Keeps complete blobs open between reads: they are read in many pieces, and opening a file costs more than reading one.
 * Blobs never change, so an open one stays right; one that is removed is closed after its last reader.
 */
export class OpenFiles {
  readonly #entries = new Map<Digest, Entry>()

  /** `work` with the open blob; `open` is called when it is not kept. */
  async use<Result>(
    digest: Digest,
    open: () => Promise<OpenBlob>,
    work: (blob: OpenBlob) => Promise<Result>,
  ): Promise<Result> {
    const entry = this.#entries.get(digest) ?? { blob: open(), users: 0, dropped: false }
    // The newest use stands last.
    this.#entries.delete(digest)
    this.#entries.set(digest, entry)
    entry.users++
    try {
      return await work(await entry.blob)
    } catch (failure) {
      await this.drop(digest)
      throw failure
    } finally {
      entry.users--
      await this.#settle(entry)
      await this.#makeRoom()
    }
  }

  /** The blob is not kept any longer. */
  async drop(digest: Digest): Promise<void> {
    const entry = this.#entries.get(digest)
    if (entry === undefined) return
    this.#entries.delete(digest)
    entry.dropped = true
    await this.#settle(entry)
  }

  async close(): Promise<void> {
    for (const digest of [...this.#entries.keys()]) await this.drop(digest)
  }

  async #makeRoom(): Promise<void> {
    for (const digest of [...this.#entries.keys()]) {
      if (this.#entries.size <= KEPT) return
      await this.drop(digest)
    }
  }

  async #settle(entry: Entry): Promise<void> {
    if (!entry.dropped || entry.users > 0) return
    const handle: FileHandle | undefined = await entry.blob.then(({ handle: open }) => open).catch(() => undefined)
    await handle?.close()
  }
}
