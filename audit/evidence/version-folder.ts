import type { FolderEntry, FolderReader } from '../../core/attestation/ports.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { BundleSource } from './source.ts'

/** A folder of a bundle by itself. */
export class FolderInBundle implements FolderReader {
  readonly #source: BundleSource
  readonly #prefix: string

  /** `prefix` ends with a slash. */
  constructor(source: BundleSource, prefix: string) {
    this.#source = source
    this.#prefix = prefix
  }

  *list(skip: (path: string) => boolean): Generator<FolderEntry> {
    for (const whole of this.#source.files.keys()) {
      if (!whole.startsWith(this.#prefix)) continue
      const path = whole.slice(this.#prefix.length)
      if (!skip(path)) yield { path, kind: 'file' }
    }
  }

  open(path: string): AsyncIterable<Uint8Array> {
    const whole = this.#prefix + path
    if (!this.#source.files.has(whole)) throw new ParleyError('object.not-found', `the bundle has no ${whole}`)
    return this.#source.open(whole)
  }
}
