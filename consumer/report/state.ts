import { z } from 'zod'
import { dsseBytes, parseDsse } from '../../core/attestation/dsse.ts'
import { canonicalBytes } from '../../core/attestation/json-payload.ts'
import type { Crypto } from '../../core/crypto/primitives.ts'
import { fromUtf8, toHex, utf8 } from '../../core/encoding/bytes.ts'
import { canonicalJson } from '../../core/encoding/canonical-json.ts'
import { readOutcomes } from '../../core/rollout/outcomes.ts'
import { idField } from '../../core/run/fields.ts'
import type { VersionCache } from '../cache/version-cache.ts'
import { consumerLimits } from '../limits.ts'
import { type KeptBook, MAX_WAITING, type Waiting } from './book.ts'

const whole = z.int().min(0).max(Number.MAX_SAFE_INTEGER)
const stateSchema = z.strictObject({
  v: z.literal(1),
  rollout: idField,
  number: whole,
  sequence: whole,
  to: whole,
  sums: z.strictObject({ requests: whole, truths: whole, opinions: whole }),
  waiting: z.array(z.string()).max(MAX_WAITING),
})

/** Whose reports: state is kept for each of these. */
export type Reports = { readonly model: string; readonly alias: string; readonly consumer: string }

/** The name of the document: the three names together may be longer than a document's. */
export function stateName(crypto: Pick<Crypto, 'sha256'>, { model, alias, consumer }: Reports): string {
  return `outcomes@${toHex(crypto.sha256(utf8(canonicalJson([model, alias, consumer]))))}`
}

/** What an earlier program kept; undefined where there is none, and where it cannot be read. */
export async function readState(cache: VersionCache, name: string): Promise<KeptBook | undefined> {
  const bytes = await cache.document(name, consumerLimits.reportStateBytes)
  if (bytes === undefined) return undefined
  try {
    const { v: _, waiting, ...state } = stateSchema.parse(JSON.parse(fromUtf8(bytes)))
    return { ...state, waiting: waiting.map(restored) }
  } catch {
    return undefined
  }
}

/** Signed reports alone are kept, not counts: whoever writes to the cache can make none up. */
export async function writeState(cache: VersionCache, name: string, kept: KeptBook): Promise<void> {
  const { waiting, ...state } = kept
  const signed = waiting.flatMap(({ envelope }) => (envelope === undefined ? [] : [fromUtf8(envelope)]))
  const document: z.input<typeof stateSchema> = { v: 1, ...state, waiting: signed }
  await cache.writeDocument(name, canonicalBytes(document))
}

function restored(text: string): Waiting {
  const envelope = parseDsse(utf8(text))
  const report = readOutcomes(envelope.payload)
  // The program may have ended between sending it and hearing of it.
  return { report, envelope: Uint8Array.from(dsseBytes(envelope)), uncertain: true }
}
