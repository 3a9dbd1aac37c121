import { nodeCrypto } from '../core/crypto/node.ts'
import type { SigningKey } from '../core/crypto/primitives.ts'
import { fromHex } from '../core/encoding/bytes.ts'
import { ParleyError } from '../core/errors/index.ts'
import { existing } from './secret-files.ts'

/** The key of a site or of one of its people, from its file. Throws `config.invalid` when it is not there. */
export async function siteKeyIn(path: string): Promise<SigningKey> {
  const text = await existing(path)
  if (text === undefined) {
    throw new ParleyError(
      'config.invalid',
      `there is no key at ${path}: \`parley client policy key --key FILE\` makes one`,
    )
  }
  const seed = fromHex(text.trim())
  if (seed?.length !== 32) throw new ParleyError('config.invalid', `${path} does not hold 32 bytes in hex`)
  return nodeCrypto.signingKey(seed)
}
