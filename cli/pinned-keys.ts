import { existsSync } from 'node:fs'
import { parsePublicKey } from '../audit/index.ts'
import { fromHex } from '../core/encoding/bytes.ts'
import { ParleyError } from '../core/errors/index.ts'
import { readText } from './options.ts'

/**
 * An Ed25519 key as somebody gives it: 64 hexadecimal digits, or a file with these, or with what `GET /v1/audit/key` answers.
 * Throws `request.invalid`.
 */
export async function pinnedKey(text: string): Promise<Uint8Array> {
  const given = keyIn(text)
  if (given !== undefined) return given
  if (!existsSync(text))
    throw new ParleyError('request.invalid', 'a public key is 64 hexadecimal digits, or a file with one')
  const content = (await readText(text)).trim()
  const found = keyIn(content) ?? keyIn(answered(content, text))
  if (found === undefined) throw new ParleyError('request.invalid', `${text} has no public key`)
  return found
}

function keyIn(text: string): Uint8Array | undefined {
  const bytes = fromHex(text.toLowerCase())
  return bytes?.length === 32 ? bytes : undefined
}

function answered(content: string, path: string): string {
  try {
    return parsePublicKey(content, path).publicKey
  } catch {
    return ''
  }
}
