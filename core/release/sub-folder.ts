import type { FolderEntry, FolderReader } from '../attestation/ports.ts'

/** A folder within a folder. */
export class SubFolder implements FolderReader {
  readonly #folder: FolderReader
  readonly #prefix: string

  constructor(folder: FolderReader, path: string) {
    this.#folder = folder
    this.#prefix = `${path}/`
  }

  async *list(skip: (path: string) => boolean): AsyncGenerator<FolderEntry> {
    const prefix = this.#prefix
    const outside = (path: string) => !path.startsWith(prefix) && !prefix.startsWith(`${path}/`)
    const skipped = (path: string) => outside(path) || (path.startsWith(prefix) && skip(path.slice(prefix.length)))
    for await (const { path, kind } of this.#folder.list(skipped)) {
      if (path.startsWith(prefix)) yield { path: path.slice(prefix.length), kind }
    }
  }

  open(path: string): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
    return this.#folder.open(`${this.#prefix}${path}`)
  }
}
