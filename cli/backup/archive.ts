import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { Header } from 'tar/header'
import { ParleyError } from '../../core/errors/index.ts'
import type { BackupFile } from './manifest.ts'

/** tar: blocks of 512 bytes, at the end two of zeros. */
const BLOCK = 512
const PIECE = 2 ** 20
/** More than any file of a coordinator: what a header says beyond is damage. */
const MOST_BYTES = 2 ** 46

type Bytes = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

/** Writes a tar archive file by file, and knows the digest of each and of the whole. */
export class ArchiveWriter {
  readonly files: BackupFile[] = []
  readonly #file: FileHandle
  readonly #hash = createHash('sha256')
  #bytes = 0

  private constructor(file: FileHandle) {
    this.#file = file
  }

  /** The file must not be there yet. */
  static async create(path: string): Promise<ArchiveWriter> {
    return new ArchiveWriter(await open(path, 'wx', 0o600))
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Adds a file of so many bytes: the source gives that many or more. */
  async add(name: string, bytes: number, source: Bytes): Promise<void> {
    const header = Buffer.alloc(BLOCK)
    new Header({ path: name, size: bytes, mode: 0o600, type: 'File', mtime: new Date(0) }).encode(header)
    await this.#write(header)
    const hash = createHash('sha256')
    let left = bytes
    for await (const piece of source) {
      const part = piece.subarray(0, left)
      hash.update(part)
      await this.#write(part)
      left -= part.length
      if (left === 0) break
    }
    if (left > 0) throw new ParleyError('store.failed', `${name} became shorter while it was copied`)
    await this.#write(Buffer.alloc(padding(bytes)))
    this.files.push({ name, bytes, sha256: hash.digest('hex') })
  }

  /** Adds what is in memory. */
  async put(name: string, content: Uint8Array): Promise<void> {
    await this.add(name, content.length, [content])
  }

  /** Ends the archive, which is on the disk then; gives its SHA-256. */
  async end(): Promise<string> {
    await this.#write(Buffer.alloc(2 * BLOCK))
    await this.#file.sync()
    await this.#file.close()
    return this.#hash.digest('hex')
  }

  close(): Promise<void> {
    return this.#file.close().catch(() => {})
  }

  async #write(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes)
    for (let done = 0; done < bytes.length; ) {
      done += (await this.#file.write(bytes, done)).bytesWritten
    }
    this.#bytes += bytes.length
  }
}

/** A file of an archive, and its bytes, which are read before the next one is asked for. */
export type ArchiveEntry = { readonly name: string; readonly bytes: number; read(): AsyncGenerator<Uint8Array> }

/** The files of an archive in their order. Throws `backup.damaged` with the place where it is no archive, or ends too early. */
export async function* archiveEntries(file: FileHandle, path: string): AsyncGenerator<ArchiveEntry> {
  let at = 0
  let before = 'its beginning'
  for (;;) {
    const block = await readAt(file, at, BLOCK)
    if (block.length < BLOCK) throw damaged(`${path} ends at byte ${at + block.length}, after ${before}`)
    if (block.every((byte) => byte === 0)) return
    const { path: name, size, cksumValid } = headerIn(block, `${path} has no header at byte ${at}, after ${before}`)
    if (!cksumValid || name === undefined || size === undefined || size > MOST_BYTES)
      throw damaged(`${path} has no header at byte ${at}, after ${before}`)
    const start = at + BLOCK
    yield { name, bytes: size, read: () => pieces(file, start, size, `${path} ends within ${name}`) }
    at = start + size + padding(size)
    before = name
  }
}

async function* pieces(file: FileHandle, start: number, size: number, cut: string): AsyncGenerator<Uint8Array> {
  for (let done = 0; done < size; ) {
    const piece = await readAt(file, start + done, Math.min(PIECE, size - done))
    if (piece.length === 0) throw damaged(`${cut}, at byte ${start + done}`)
    yield piece
    done += piece.length
  }
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const buffer = Buffer.alloc(length)
  let done = 0
  while (done < length) {
    const { bytesRead } = await file.read(buffer, done, length - done, position + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return buffer.subarray(0, done)
}

function headerIn(block: Uint8Array, otherwise: string): Header {
  try {
    return new Header(Buffer.from(block), 0)
  } catch (cause) {
    throw damaged(otherwise, cause)
  }
}

function padding(bytes: number): number {
  return (BLOCK - (bytes % BLOCK)) % BLOCK
}

export function damaged(why: string, cause?: unknown): ParleyError {
  return new ParleyError('backup.damaged', why, cause === undefined ? {} : { cause })
}
