import * as promises from 'node:fs/promises'
import { systemCode } from './failures.ts'

/** What the blob store asks of the operating system; tests pass one that fails. */
export type FileSystem = Pick<typeof promises, 'open' | 'rename' | 'mkdir' | 'unlink' | 'readdir'>

export const nodeFiles: FileSystem = promises

export const FILE_MODE = 0o600
export const FOLDER_MODE = 0o700

/** Bytes that are read, hashed or written at a stretch: well under a millisecond of hashing. */
export const PIECE_BYTES = 1024 * 1024

/** Makes the entries of a folder durable: a rename or a new file in it survives a power cut from here on. */
export async function syncFolder(files: FileSystem, folder: string): Promise<void> {
  const handle = await files.open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** False when it was there already. */
export async function makeFolder(files: FileSystem, folder: string): Promise<boolean> {
  try {
    await files.mkdir(folder, { mode: FOLDER_MODE })
    return true
  } catch (failure) {
    if (systemCode(failure) === 'EEXIST') return false
    throw failure
  }
}

/** False when it was not there. */
export async function removeFile(files: FileSystem, path: string): Promise<boolean> {
  try {
    await files.unlink(path)
    return true
  } catch (failure) {
    if (systemCode(failure) === 'ENOENT') return false
    throw failure
  }
}

/** The open file, or undefined when there is none. */
export async function openExisting(
  files: FileSystem,
  path: string,
  flags: 'r' | 'r+',
): Promise<promises.FileHandle | undefined> {
  try {
    return await files.open(path, flags)
  } catch (failure) {
    if (systemCode(failure) === 'ENOENT') return undefined
    throw failure
  }
}

/** Fills `target` from `position`; false when the file ends before. */
export async function readFully(handle: promises.FileHandle, target: Uint8Array, position: number): Promise<boolean> {
  for (let done = 0; done < target.length; ) {
    const { bytesRead } = await handle.read(target, done, target.length - done, position + done)
    if (bytesRead === 0) return false
    done += bytesRead
  }
  return true
}

/** Writes all of `bytes`, however many calls the system takes for it. */
export async function writeFully(handle: promises.FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done)
    done += bytesWritten
  }
}
