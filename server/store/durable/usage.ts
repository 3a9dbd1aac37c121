import { readdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'

/** Bytes that are free on the disk of a folder, for who is not the super-user. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

/** Bytes of all files under a folder. What goes away while they are counted is not counted. */
export async function usedBytes(folder: string): Promise<number> {
  let bytes = 0
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) bytes += await usedBytes(path)
    else bytes += (await stat(path).catch(() => undefined))?.size ?? 0
  }
  return bytes
}
