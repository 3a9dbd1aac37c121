import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { ParleyError } from '../../../core/errors/index.ts'
import { checkDigest, checkRange, checkResume } from '../digest.ts'
import type { BlobStore, BlobWriter, Digest } from '../ports.ts'
import { storeFailure } from './failures.ts'
import { FILE_MODE, type FileSystem, makeFolder, nodeFiles, openExisting, removeFile, syncFolder } from './files.ts'
import { KeyedQueue } from './keyed-queue.ts'
import { OpenFiles } from './open-files.ts'
import { type OpenBlob, readBlob, verifyBlob } from './reading.ts'
import { FileWriter } from './writer.ts'

/**
 * Blobs as files: `blobs/aa/<digest>` when complete, `partial/<digest>` while a resumable writer is at it, and
 * `partial/new-<n>` for blobs whose digest is not known yet. A file comes to its final name by a rename after its bytes
 * are on the disk, so there is no half blob. One process at a time; the store's lock sees to that.
 */
export class FileBlobs implements BlobStore {
  readonly #files: FileSystem
  readonly #complete: string
  readonly #partial: string
  readonly #writers = new Map<Digest, FileWriter>()
  readonly #open = new Set<FileWriter>()
  readonly #queue = new KeyedQueue()
  readonly #reads = new OpenFiles()
  #created = 0
  #closed = false

  private constructor(folder: string, files: FileSystem) {
    this.#files = files
    this.#complete = join(folder, 'blobs')
    this.#partial = join(folder, 'partial')
  }

  /** `folder` must exist. Nameless leftovers of an earlier process are removed. */
  static async open(folder: string, files: FileSystem = nodeFiles): Promise<FileBlobs> {
    const store = new FileBlobs(folder, files)
    return attempt(`opening the blobs in ${folder}`, async () => {
      await makeFolder(files, store.#complete)
      await makeFolder(files, store.#partial)
      await store.#makeShards()
      await syncFolder(files, folder)
      for (const name of await files.readdir(store.#partial)) {
        if (name.startsWith('new-')) await removeFile(files, join(store.#partial, name))
      }
      return store
    })
  }

  async size(digest: Digest): Promise<number | undefined> {
    checkDigest(digest)
    try {
      return await this.#reading(digest, async ({ size }) => size)
    } catch (failure) {
      if (failure instanceof ParleyError && failure.code === 'object.not-found') return undefined
      throw failure
    }
  }

  async read(digest: Digest, offset: number, length: number, into?: Uint8Array): Promise<Uint8Array> {
    return this.#reading(digest, async (blob) => {
      checkRange(offset, length, blob.size)
      return readBlob(blob, offset, length, into)
    })
  }

  async verify(digest: Digest): Promise<void> {
    return this.#reading(digest, verifyBlob)
  }

  async put(bytes: Uint8Array): Promise<Digest> {
    const writer = await this.create()
    try {
      await writer.write(bytes)
      return await writer.commit()
    } finally {
      await writer.release()
    }
  }

  async create(): Promise<BlobWriter> {
    return attempt('making a blob', async () => {
      this.#checkOpen()
      const path = join(this.#partial, `new-${this.#created++}`)
      const handle = await this.#files.open(path, 'wx', FILE_MODE)
      const writer: FileWriter = new FileWriter({
        handle,
        place: (digest) => this.#place(path, digest),
        discard: async () => void (await removeFile(this.#files, path)),
        ended: () => this.#open.delete(writer),
      })
      this.#open.add(writer)
      return writer
    })
  }

  async resume(digest: Digest, length: number, granule: number): Promise<BlobWriter> {
    checkResume(digest, length, granule)
    return this.#queue.run(digest, () =>
      attempt(`resuming blob ${digest}`, async () => {
        this.#checkOpen()
        await this.#takeOver(digest)
        const path = join(this.#partial, digest)
        const size = await this.size(digest)
        if (size !== undefined) {
          await removeFile(this.#files, path)
          return completeWriter(digest, size, length)
        }
        const handle = (await openExisting(this.#files, path, 'r+')) ?? (await this.#files.open(path, 'wx+', FILE_MODE))
        return this.#adopt(handle, path, { digest, length }, granule)
      }),
    )
  }

  async remove(digest: Digest): Promise<void> {
    checkDigest(digest)
    await this.#queue.run(digest, () =>
      attempt(`removing blob ${digest}`, async () => {
        this.#checkOpen()
        await this.#takeOver(digest)
        await this.#reads.drop(digest)
        await removeFile(this.#files, join(this.#partial, digest))
        if (await removeFile(this.#files, this.#path(digest))) await syncFolder(this.#files, this.#shard(digest))
      }),
    )
  }

  async *list(): AsyncIterable<Digest> {
    for (const shard of await this.#files.readdir(this.#complete)) {
      const names = await this.#files.readdir(join(this.#complete, shard))
      yield* names.filter((name) => /^[0-9a-f]{64}$/.test(name))
    }
  }

  /** Closes what is open; resumable blobs keep what was written. Nothing is changed on disk from here on. */
  async close(): Promise<void> {
    this.#closed = true
    for (const writer of [...this.#open]) await writer.release()
    await this.#reads.close()
  }

  async #adopt(
    handle: FileHandle,
    path: string,
    promised: { readonly digest: Digest; readonly length: number },
    granule: number,
  ): Promise<BlobWriter> {
    const { digest, length } = promised
    const writer: FileWriter = new FileWriter({
      handle,
      promised,
      place: (found) => this.#place(path, found),
      discard: async () => void (await removeFile(this.#files, path)),
      ended: () => this.#forget(digest, writer),
    })
    try {
      const { size } = await handle.stat()
      await writer.adopt(size > length ? 0 : Math.floor(size / granule) * granule)
    } catch (failure) {
      await handle.close()
      throw failure
    }
    this.#writers.set(digest, writer)
    this.#open.add(writer)
    return writer
  }

  async #takeOver(digest: Digest): Promise<void> {
    const earlier = this.#writers.get(digest)
    if (earlier === undefined) return
    await earlier.takeOver()
    this.#forget(digest, earlier)
  }

  #forget(digest: Digest, writer: FileWriter): void {
    this.#open.delete(writer)
    if (this.#writers.get(digest) === writer) this.#writers.delete(digest)
  }

  async #place(from: string, digest: Digest): Promise<void> {
    await this.#files.rename(from, this.#path(digest))
    await syncFolder(this.#files, this.#shard(digest))
  }

  /** All shards at once, when the store is new: making one for a blob would cost that blob two more waits for the disk. */
  async #makeShards(): Promise<void> {
    const there = new Set(await this.#files.readdir(this.#complete))
    for (let shard = 0; shard < 256; shard++) {
      const name = shard.toString(16).padStart(2, '0')
      if (!there.has(name)) await makeFolder(this.#files, join(this.#complete, name))
    }
    await syncFolder(this.#files, this.#complete)
  }

  async #reading<Result>(digest: Digest, work: (blob: OpenBlob) => Promise<Result>): Promise<Result> {
    checkDigest(digest)
    return attempt(`reading blob ${digest}`, async () => {
      return this.#reads.use(digest, () => this.#openComplete(digest), work)
    })
  }

  async #openComplete(digest: Digest): Promise<OpenBlob> {
    const handle = await openExisting(this.#files, this.#path(digest), 'r')
    if (handle === undefined) throw new ParleyError('object.not-found', `there is no blob ${digest}`)
    return { digest, handle, size: (await handle.stat()).size }
  }

  /** The folder may be another coordinator's already. */
  #checkOpen(): void {
    if (this.#closed) throw new ParleyError('store.failed', 'the store is closed')
  }

  #shard(digest: Digest): string {
    return join(this.#complete, digest.slice(0, 2))
  }

  #path(digest: Digest): string {
    return join(this.#shard(digest), digest)
  }
}

function completeWriter(digest: Digest, size: number, length: number): BlobWriter {
  if (size !== length)
    throw new ParleyError('update.digest-mismatch', `blob ${digest} has ${size} bytes, not ${length}`)
  return {
    written: length,
    write: async (bytes) => {
      if (bytes.length > 0) throw new ParleyError('request.invalid', 'more bytes than promised')
    },
    commit: async () => digest,
    release: async () => {},
  }
}

async function attempt<Result>(what: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (failure) {
    throw storeFailure(failure, what)
  }
}
