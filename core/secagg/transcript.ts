import type { Crypto } from '../crypto/primitives.ts'
import { utf8 } from '../encoding/bytes.ts'

/**
 * What is hashed or bound into keys: the domain string of its purpose, then fields, each with its length before it (four
 * bytes, big-endian), so that no two lists of fields give the same bytes.
 */
export const PROTOCOL = 'parley/secagg/1'

const domains = {
  config: domain('config'),
  roster: domain('roster'),
  set: domain('set'),
  ring: domain('ring'),
  buckets: domain('buckets'),
  checksum: domain('checksum'),
  polynomial: domain('polynomial'),
  share: domain('share'),
  pair: domain('pair'),
  self: domain('self'),
  seed: domain('seed'),
  'mask-key': domain('mask-key'),
} as const

export type Purpose = keyof typeof domains

/** Numbers are unsigned 32-bit integers, big-endian. */
export type Field = Uint8Array | string | number

export function transcript(purpose: Purpose, ...fields: readonly Field[]): Uint8Array {
  const parts = fields.map((field) => (typeof field === 'string' ? utf8(field) : field))
  const domain = domains[purpose]
  let length = 4 + domain.length
  for (const part of parts) length += 4 + (typeof part === 'number' ? 4 : part.length)
  const out = new Uint8Array(length)
  const view = new DataView(out.buffer)
  let at = 0
  for (const part of [domain, ...parts]) {
    if (typeof part === 'number') {
      view.setUint32(at, 4)
      view.setUint32(at + 4, part)
      at += 8
      continue
    }
    view.setUint32(at, part.length)
    out.set(part, at + 4)
    at += 4 + part.length
  }
  return out
}

/** SHA-256 of a transcript: 32 bytes. */
export function digestOf(crypto: Crypto, purpose: Purpose, ...fields: readonly Field[]): Uint8Array {
  return crypto.sha256(transcript(purpose, ...fields))
}

/** The hash of a set of clients: their ids in the order of the roster, which is sorted. */
export function setHash(crypto: Crypto, ids: readonly string[]): Uint8Array {
  return digestOf(crypto, 'set', ...ids)
}

function domain(purpose: string): Uint8Array {
  return utf8(`${PROTOCOL}/${purpose}`)
}
