import type { Crypto } from '../../core/crypto/primitives.ts'
import { toHex, utf8 } from '../../core/encoding/bytes.ts'
import type { Journal } from '../store/ports.ts'

/** How many entries the run's journal has, and SHA-256 over them, each with a line feed behind it. */
export async function journalDigest(
  crypto: Pick<Crypto, 'hasher'>,
  journal: Pick<Journal, 'read'>,
  run: string,
  entries = Number.POSITIVE_INFINITY,
): Promise<{ readonly entries: number; readonly digest: string }> {
  const all = (await journal.read(run)).slice(0, entries)
  const hasher = crypto.hasher()
  for (const entry of all) hasher.update(utf8(`${entry}\n`))
  return { entries: all.length, digest: toHex(hasher.digest()) }
}
