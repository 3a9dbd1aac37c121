import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fromHex } from '../core/encoding/bytes.ts'
import { ParleyError } from '../core/errors/index.ts'

/** 32 secret bytes in a file that only its owner can read; made at the first call. Throws `config.invalid`. */
export async function secretFile(path: string): Promise<Uint8Array> {
  const text = (await existing(path)) ?? (await create(path, `${randomBytes(32).toString('hex')}\n`))
  const bytes = fromHex(text.trim())
  if (bytes?.length !== 32) throw new ParleyError('config.invalid', `${path} does not hold 32 bytes in hex`)
  return bytes
}

/** The text of a secret file, or undefined when there is none. */
export async function existing(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
    throw new ParleyError('config.invalid', `${path} cannot be read`, { cause })
  }
}

/** Writes a secret file that is not there yet. */
export async function create(path: string, text: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  return text
}
