import { z } from 'zod'
import type { Crypto } from '../crypto/primitives.ts'
import { toHex } from '../encoding/bytes.ts'
import { digestField, idField } from '../run/fields.ts'
import { getsChallenger, rolloutSchema } from './canary.ts'
import { readCanonical, writeCanonical } from './json-payload.ts'
import { timestampField } from './time.ts'

/** What records of aliases are signed as, by the registry's key. */
export const ALIAS_PAYLOAD_TYPE = 'application/vnd.parley.alias+json'

const versionNumber = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER)

/** Names as MLflow has them, in ASCII and not empty; `latest` and what looks like a number are reserved there. */
export const aliasField = z
  .string()
  .regex(
    /^(?!latest$)(?!v\d+$)[A-Za-z0-9_-]{1,255}$/i,
    'an alias of letters, digits, dashes, underscores; not `latest` or `v1`',
  )

/** One move of an alias. Records are never changed: a rollback is a new record that names an old version. */
export const aliasRecordSchema = z
  .strictObject({
    v: z.literal(1),
    model: idField,
    alias: aliasField,
    /** Grows by one for ever, so that an old record is known as old. */
    sequence: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
    number: versionNumber,
    /** The root digest of that version. */
    root: digestField,
    /** SHA-256 of the payload of the record before; null for the first. */
    previous: digestField.nullable(),
    reason: z.string().min(1).max(2_000),
    actor: idField,
    at: timestampField,
    /** After this nobody believes the record: who holds back newer ones cannot do so for long. */
    expires: timestampField,
    rollout: rolloutSchema.optional(),
  })
  .refine(({ sequence, previous }) => (sequence === 1) === (previous === null), {
    message: 'the first record, and no other, has none before it',
  })
  .refine(({ at, expires }) => Date.parse(at) < Date.parse(expires), { message: 'it expires before it begins' })
export type AliasRecord = z.output<typeof aliasRecordSchema>

/** A record with the SHA-256 of its payload, which the next record names. */
export type SeenAliasRecord = { readonly record: AliasRecord; readonly sha256: string }

const WHAT = 'an alias record'

/** The payload to be signed, in canonical JSON. Throws `request.invalid`. */
export function aliasPayload(record: z.input<typeof aliasRecordSchema>): Uint8Array {
  return writeCanonical(aliasRecordSchema, record, WHAT)
}

/** Reads the payload of a record. Throws `verify.failed`. Verify its signature first. */
export function readAliasRecord(crypto: Pick<Crypto, 'sha256'>, payload: Uint8Array): SeenAliasRecord {
  return { record: readCanonical(aliasRecordSchema, payload, WHAT), sha256: toHex(crypto.sha256(payload)) }
}

export type AliasRefusal =
  /** It is of another model or another alias. */
  | 'another-alias'
  | 'expired'
  /** It was made later than now. */
  | 'early'
  /** A later one was seen already. */
  | 'replayed'
  /** It does not follow the last one seen, though it stands in its place or behind it: there are two histories. */
  | 'forked'
  | 'withdrawn'

export type AliasAcceptance =
  /** `missed`: how many records in between were not seen. */
  { readonly accepted: true; readonly missed: number } | { readonly accepted: false; readonly refusal: AliasRefusal }

export type AliasOptions = {
  /** Whether a version of the model was withdrawn. */
  readonly withdrawn?: (number: number) => boolean
  /** How far the registry's clock may be before this one, in milliseconds; 5 minutes by default. */
  readonly skewMs?: number
}

/**
 * Whether a consumer that last saw `last` believes `record` at `now` (milliseconds since the epoch). Both are verified. A
 * consumer that has seen none believes the first that has not expired.
 */
export function acceptAliasRecord(
  last: SeenAliasRecord | undefined,
  { record, sha256 }: SeenAliasRecord,
  now: number,
  { withdrawn = () => false, skewMs = 300_000 }: AliasOptions = {},
): AliasAcceptance {
  const refused = (refusal: AliasRefusal): AliasAcceptance => ({ accepted: false, refusal })
  if (last !== undefined) {
    if (last.record.model !== record.model || last.record.alias !== record.alias) return refused('another-alias')
    if (record.sequence < last.record.sequence) return refused('replayed')
    if (record.sequence === last.record.sequence && sha256 !== last.sha256) return refused('forked')
    if (record.sequence === last.record.sequence + 1 && record.previous !== last.sha256) return refused('forked')
  }
  // A clock that says nothing is no reason to believe: hence the form of these two.
  if (!(now < Date.parse(record.expires))) return refused('expired')
  if (!(Date.parse(record.at) <= now + skewMs)) return refused('early')
  const { number, rollout } = record
  if (withdrawn(number) || (rollout !== undefined && withdrawn(rollout.number))) return refused('withdrawn')
  const missed = last === undefined ? 0 : Math.max(0, record.sequence - last.record.sequence - 1)
  return { accepted: true, missed }
}

/** Which version a record means for a consumer; undefined: one that has no id, and gets no challenger. */
export function resolveAlias(
  crypto: Pick<Crypto, 'sha256'>,
  { model, number, root, rollout }: AliasRecord,
  consumer: string | undefined,
): { readonly number: number; readonly root: string; readonly why: 'stable' | 'canary' } {
  if (rollout !== undefined && consumer !== undefined && getsChallenger(crypto, model, rollout, consumer)) {
    return { number: rollout.number, root: rollout.root, why: 'canary' }
  }
  return { number, root, why: 'stable' }
}
