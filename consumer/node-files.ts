/** Files for the cache in a folder, on Node. */
import { type FileHandle, open, readdir } from 'node:fs/promises'
import { ParleyError } from '../core/errors/index.ts'

/** A file whole; undefined when it is not there, no file, or of a size that does not fit. */
export async function whole(
  path: string,
  fits: (found: { readonly size: number }) => boolean,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const handle = await open(path, 'r').catch((failure: NodeJS.ErrnoException) => {
    if (failure.code === 'ENOENT') return undefined
    throw failure
  })
  if (handle === undefined) return undefined
  try {
    const found = await handle.stat()
    return found.isFile() && fits(found) ? await readFully(handle, found.size) : undefined
  } finally {
    await handle.close()
  }
}

/** The first `length` bytes, or what there is of them. */
export async function readFully(handle: FileHandle, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length)
  let done = 0
  while (done < length) {
    const { bytesRead } = await handle.read(bytes, done, length - done, done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return done === length ? bytes : bytes.slice(0, done)
}

/** Writes a file, and waits until it is on disk. */
export async function synced(path: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, 'w')
  try {
    await handle.writeFile(bytes)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** The name itself is on disk once its folder is; some file systems cannot sync a folder. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r').catch(() => undefined)
  await handle?.sync().catch(() => {})
  await handle?.close()
}

/** The names in a folder; none when it is not there. */
export async function entries(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch((failure: NodeJS.ErrnoException) => {
    if (failure.code === 'ENOENT') return []
    throw failure
  })
}

/** Failures of the disk as `store.failed` and `store.full`. */
export async function storing<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (failure) {
    if (failure instanceof ParleyError) throw failure
    const full = ['ENOSPC', 'EDQUOT'].includes((failure as NodeJS.ErrnoException).code ?? '')
    throw ParleyError.from(failure, full ? 'store.full' : 'store.failed')
  }
}
