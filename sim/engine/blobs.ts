import type { Store } from '../../server/index.ts'

/** Files that are kept: the models of the last rounds, and the plan. */
const KEPT = 6

/** What all clients of a simulation would download alike: read once, into memory that threads share. */
export class SharedBlobs {
  readonly #store: () => Store
  readonly #kept = new Map<string, Promise<Uint8Array | undefined>>()

  constructor(store: () => Store) {
    this.#store = store
  }

  readonly get = (digest: string, bytes: number): Promise<Uint8Array | undefined> => {
    const known = this.#kept.get(digest)
    if (known !== undefined) return known
    const read = this.#read(digest, bytes)
    this.#kept.set(digest, read)
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= KEPT) break
      this.#kept.delete(oldest)
    }
    return read
  }

  async #read(digest: string, bytes: number): Promise<Uint8Array | undefined> {
    const shared = new Uint8Array(new SharedArrayBuffer(bytes))
    const read = await this.#store()
      .blobs.read(digest, 0, bytes, shared)
      .catch(() => undefined)
    if (read !== undefined && read.buffer !== shared.buffer) shared.set(read)
    return read === undefined ? undefined : shared
  }
}
