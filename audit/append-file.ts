import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { type AuditFiles, FILE_MODE, syncFolder } from './files.ts'

/** A file that lines are put at the end of, each durable when `append` resolves. */
export class AppendFile {
  readonly name: string
  readonly #handle: FileHandle
  #size: number

  private constructor(name: string, handle: FileHandle, size: number) {
    this.name = name
    this.#handle = handle
    this.#size = size
  }

  /** Opens it, makes it where it is not there. `cut`: its length is brought down to this. */
  static async open(files: AuditFiles, folder: string, name: string, cut?: number): Promise<AppendFile> {
    const handle = await files.open(join(folder, name), 'a', FILE_MODE)
    try {
      if (cut !== undefined) {
        await handle.truncate(cut)
        await handle.sync()
      }
      const { size } = await handle.stat()
      if (size === 0) await syncFolder(files, folder)
      return new AppendFile(name, handle, size)
    } catch (failure) {
      await handle.close()
      throw failure
    }
  }

  get size(): number {
    return this.#size
  }

  async append(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done)
      done += bytesWritten
    }
    await this.#handle.datasync()
    this.#size += bytes.length
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}
