import { createCipheriv, createDecipheriv, createHash, randomBytes, scrypt } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { fromUtf8, utf8 } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { readText } from '../options.ts'
import { existing } from '../secret-files.ts'
import { type KeyFile, keyFiles } from './files.ts'

/** Keys by the names of their files, as they stand in them. */
export type Keys = Readonly<Partial<Record<KeyFile, string>>>

const PURPOSE = 'parley.backup.keys.v1'
/** scrypt (RFC 7914): 128 MiB, and about half a second. */
const COST = { N: 2 ** 17, r: 8, p: 1, maxmem: 256 * 2 ** 20 }
const LEAST_PASSPHRASE = 12

export async function keysIn(folder: string): Promise<Keys> {
  const found = await Promise.all(keyFiles.map(async (name) => [name, await existing(join(folder, name))] as const))
  return Object.fromEntries(found.filter(([, text]) => text !== undefined)) as Keys
}

/** What a passphrase file holds: its first line. Throws `config.invalid`. */
export async function passphraseIn(path: string): Promise<string> {
  const passphrase = (await readText(path)).split(/\r?\n/)[0] ?? ''
  if (passphrase.length >= LEAST_PASSPHRASE) return passphrase
  throw new ParleyError(
    'config.invalid',
    `${path}: its first line is the passphrase, of ${LEAST_PASSPHRASE} characters at least`,
  )
}

/** Enough of a hash to find a wrong key, and too little of one to stand for it. */
export function checksOf(keys: Keys): Readonly<Partial<Record<KeyFile, string>>> {
  const check = (name: string, text: string) =>
    createHash('sha256').update(`${PURPOSE}\n${name}\n${text}`).digest('hex').slice(0, 16)
  return Object.fromEntries(Object.entries(keys).map(([name, text]) => [name, check(name, text)]))
}

/** Keys under AES-256-GCM, for a key that scrypt makes of the passphrase. */
export async function sealKeys(keys: Keys, passphrase: string): Promise<Uint8Array> {
  const [salt, nonce] = [randomBytes(16), randomBytes(12)]
  const cipher = createCipheriv('aes-256-gcm', await keyFrom(passphrase, salt), nonce).setAAD(utf8(PURPOSE))
  const sealed = Buffer.concat([cipher.update(JSON.stringify(keys), 'utf8'), cipher.final(), cipher.getAuthTag()])
  const text = {
    v: 1,
    salt: salt.toString('base64'),
    nonce: nonce.toString('base64'),
    sealed: sealed.toString('base64'),
  }
  return utf8(`${JSON.stringify(text)}\n`)
}

const sealedSchema = z.strictObject({ v: z.literal(1), salt: z.base64(), nonce: z.base64(), sealed: z.base64() })

/** Throws `backup.keys-wrong` where the passphrase is another one. */
export async function openKeys(bytes: Uint8Array, passphrase: string): Promise<Keys> {
  try {
    const { salt, nonce, sealed } = sealedSchema.parse(JSON.parse(fromUtf8(bytes)))
    const key = await keyFrom(passphrase, Buffer.from(salt, 'base64'))
    const content = Buffer.from(sealed, 'base64')
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64'), { authTagLength: 16 })
    decipher.setAAD(utf8(PURPOSE)).setAuthTag(content.subarray(-16))
    const text = Buffer.concat([decipher.update(content.subarray(0, -16)), decipher.final()]).toString('utf8')
    return z.partialRecord(z.enum(keyFiles), z.string()).parse(JSON.parse(text))
  } catch (cause) {
    throw new ParleyError('backup.keys-wrong', 'the passphrase does not open the keys of the backup', { cause })
  }
}

async function keyFrom(passphrase: string, salt: Uint8Array): Promise<Uint8Array> {
  const derive = promisify<string, Uint8Array, number, typeof COST, Buffer>(scrypt)
  return await derive(passphrase.normalize('NFKC'), salt, 32, COST)
}
