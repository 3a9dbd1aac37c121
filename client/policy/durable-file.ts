import { randomBytes } from 'node:crypto'
import { mkdir, open, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ParleyError } from '../../core/errors/index.ts'

/** Replaces a file so that a reader sees the old or the new one, and never a part. */
export async function replaceDurably(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const temporary = `${path}.${randomBytes(4).toString('hex')}.tmp`
  await writeFile(temporary, content, { mode: 0o600, flush: true })
  await rename(temporary, path)
}

/** The bytes of a file of at most `mostBytes`; undefined when there is none. Throws `config.invalid`. */
export async function readIfThere(path: string, mostBytes: number): Promise<Uint8Array | undefined> {
  let file: Awaited<ReturnType<typeof open>> | undefined
  try {
    file = await open(path, 'r')
    const { size } = await file.stat()
    if (size > mostBytes) throw new ParleyError('config.invalid', `${path} has more than ${mostBytes} bytes`)
    return await file.readFile()
  } catch (cause) {
    if (cause instanceof ParleyError) throw cause
    if (cause instanceof Error && 'code' in cause && (cause.code === 'ENOENT' || cause.code === 'ENOTDIR'))
      return undefined
    throw new ParleyError('config.invalid', `${path} cannot be read`, { cause })
  } finally {
    await file?.close()
  }
}
