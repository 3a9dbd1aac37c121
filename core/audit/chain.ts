import type { Crypto } from '../crypto/primitives.ts'
import { concatBytes, utf8 } from '../encoding/bytes.ts'

type Hash = Pick<Crypto, 'sha256'>

const genesisPrefix = 'parley.audit.genesis.v1\n'
const recordPrefix = utf8('parley.audit.record.v1\n')
const headPrefix = utf8('parley.audit.head.v1\n')

/** The head before the first record: SHA-256 over a prefix and whose log it is. 32 bytes. */
export function genesisHead(crypto: Hash, federation: string): Uint8Array {
  return crypto.sha256(utf8(genesisPrefix + federation))
}

/** The leaf of a record's canonical JSON. 32 bytes. A log may have it without the record: erased, or not for these eyes. */
export function leafOf(crypto: Hash, recordText: string): Uint8Array {
  return crypto.sha256(concatBytes(recordPrefix, utf8(recordText)))
}

/** The head after a leaf: it says everything that came before. 32 bytes. */
export function nextHead(crypto: Hash, head: Uint8Array, leaf: Uint8Array): Uint8Array {
  return crypto.sha256(concatBytes(headPrefix, head, leaf))
}
