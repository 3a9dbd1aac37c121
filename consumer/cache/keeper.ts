import type { VersionFile } from '../../core/release/manifest.ts'
import { followsFromWeights } from '../version/manifest.ts'
import type { Obtained } from '../version/obtain.ts'
import {
  type KeptVersion,
  type Known,
  neededFiles,
  nothingKnown,
  readKnown,
  type Withdrawal,
  writeKnown,
} from './known.ts'
import type { VersionCache } from './version-cache.ts'

/** Which of two signed records of the alias is the later one; what does not verify comes before everything. */
export type Later = (a: Uint8Array | undefined, b: Uint8Array | undefined) => Promise<Uint8Array | undefined>

/** Keeps what is known of one reference in memory and in the cache, and drops files that nobody needs any more. */
export class Keeper {
  readonly #cache: VersionCache
  readonly #name: string
  readonly #later: Later
  #known: Known = nothingKnown
  #writing: Promise<void> = Promise.resolve()
  /** Everything that was begun and may still write. */
  readonly #under: Set<Promise<void>> = new Set()

  constructor(cache: VersionCache, name: string, later: Later) {
    this.#cache = cache
    this.#name = name
    this.#later = later
  }

  get known(): Known {
    return this.#known
  }

  async load(): Promise<void> {
    this.#known = await readKnown(this.#cache, this.#name)
  }

  saveRecord(record: Uint8Array, withdrawn: readonly Withdrawal[]): Promise<void> {
    return this.#followed(this.#save({ record, withdrawn }))
  }

  saveWithdrawn(withdrawn: readonly Withdrawal[]): Promise<void> {
    return this.#followed(this.#save({ withdrawn }))
  }

  /** Before a download: the files must outlive what others drop meanwhile. */
  savePending(files: readonly VersionFile[]): Promise<void> {
    return this.#followed(this.#save({ pending: files.map(({ sha256 }) => sha256) }))
  }

  /** The version is in use; what was in use before is kept beside it. */
  saveCurrent(obtained: Obtained): Promise<void> {
    return this.#followed(this.#saveCurrent(obtained))
  }

  /** Resolves when nothing is written any more of what was begun. */
  async idle(): Promise<void> {
    while (this.#under.size > 0) await Promise.allSettled(this.#under)
  }

  #followed(work: Promise<void>): Promise<void> {
    const ended: Promise<void> = work.finally(() => this.#under.delete(ended))
    this.#under.add(ended)
    return ended
  }

  async #saveCurrent({ version, envelope }: Obtained): Promise<void> {
    const { number, root, why, manifest } = version
    const files = manifest.files.map(({ sha256 }) => sha256)
    const current: KeptVersion = { number, root, why, envelope, files }
    const { current: before, previous } = this.#known
    // While one falls back, the download of another may go on.
    const pending = this.#known.pending.every((digest) => files.includes(digest)) ? [] : this.#known.pending
    await this.#save({ current, previous: before?.root === root ? previous : before, pending })
    await this.#restore(version)
    await this.#collect()
  }

  /** What another consumer dropped after it was read here, and before it was known to be needed here. */
  async #restore(version: Obtained['version']): Promise<void> {
    for (const { path, sha256, bytes } of version.manifest.files.filter((file) => !followsFromWeights(file))) {
      if (await this.#cache.has(sha256, bytes)) continue
      const part = await this.#cache.part(sha256)
      await part.write(0, version.bytes(path))
      await part.commit(bytes)
    }
  }

  /** One after the other, so that no older state is written over a newer one. */
  async #save(changes: Partial<Known>): Promise<void> {
    this.#known = { ...this.#known, ...changes }
    this.#writing = this.#writing.then(() => this.#write())
    await this.#writing
  }

  /** Another program may share the cache: it must not be taken back to an older record, nor we by it. */
  async #write(): Promise<void> {
    const stored = await readKnown(this.#cache, this.#name)
    const record = await this.#later(stored.record, this.#known.record)
    await writeKnown(this.#cache, this.#name, { ...this.#known, record })
  }

  /** Files are listed before documents are read: what is there by then and is needed was named in a document before. */
  async #collect(): Promise<void> {
    const files = await this.#cache.files()
    const needed = new Set(neededFiles(this.#known))
    for (const name of await this.#cache.documents()) {
      for (const sha256 of neededFiles(await readKnown(this.#cache, name))) needed.add(sha256)
    }
    for (const sha256 of files) if (!needed.has(sha256)) await this.#cache.remove(sha256)
  }
}
