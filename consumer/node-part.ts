import { type FileHandle, rename, stat } from 'node:fs/promises'
import type { CachePart } from './cache/version-cache.ts'
import { readFully, storing, syncFolder } from './node-files.ts'

/** Two programs that write the same part write the same bytes at the same places: whoever is done first names it. */
export class PartInFolder implements CachePart {
  readonly #handle: FileHandle
  readonly #path: string
  readonly #target: string
  readonly #folder: string

  constructor(handle: FileHandle, path: string, target: string, folder: string) {
    this.#handle = handle
    this.#path = path
    this.#target = target
    this.#folder = folder
  }

  read(length: number): Promise<Uint8Array<ArrayBuffer>> {
    return storing(async () => {
      const { size } = await this.#handle.stat()
      return readFully(this.#handle, Math.min(size, length))
    })
  }

  write(offset: number, piece: Uint8Array): Promise<void> {
    return storing(async () => {
      let done = 0
      while (done < piece.length) {
        done += (await this.#handle.write(piece, done, piece.length - done, offset + done)).bytesWritten
      }
    })
  }

  commit(length: number): Promise<void> {
    return storing(async () => {
      await this.#handle.truncate(length)
      await this.#handle.sync()
      await this.#handle.close()
      try {
        await rename(this.#path, this.#target)
      } catch (failure) {
        if ((await stat(this.#target).catch(() => undefined))?.size !== length) throw failure
      }
      await syncFolder(this.#folder)
    })
  }

  async close(): Promise<void> {
    await this.#handle.close().catch(() => {})
  }
}
