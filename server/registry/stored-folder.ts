import type { FolderEntry, FolderReader } from '../../core/attestation/ports.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { VersionFile } from '../../core/release/manifest.ts'
import { SEGMENT_BYTES } from '../../core/wire/limits.ts'
import type { BlobStore } from '../store/ports.ts'

/** The files of a version as its folder, out of the blob store. */
export class StoredFolder implements FolderReader {
  readonly #blobs: Pick<BlobStore, 'read'>
  readonly #files: ReadonlyMap<string, VersionFile>

  constructor(blobs: Pick<BlobStore, 'read'>, files: readonly VersionFile[]) {
    this.#blobs = blobs
    this.#files = new Map(files.map((file) => [file.path, file]))
  }

  *list(skip: (path: string) => boolean): Generator<FolderEntry> {
    for (const path of this.#files.keys()) if (!skip(path)) yield { path, kind: 'file' }
  }

  async *open(path: string): AsyncGenerator<Uint8Array> {
    const file = this.#files.get(path)
    if (file === undefined) throw new ParleyError('object.not-found', `the version has no file ${path}`)
    for (let at = 0; at < file.bytes; at += SEGMENT_BYTES) {
      yield await this.#blobs.read(file.sha256, at, Math.min(SEGMENT_BYTES, file.bytes - at))
    }
  }
}
