import { z } from 'zod'
import { shaped } from '../attestation/json-payload.ts'
import { utf8 } from '../encoding/bytes.ts'
import { canonicalJsonOfDefined } from '../encoding/canonical-json.ts'
import { ParleyError } from '../errors/index.ts'

/** Most bytes of a record's details in canonical JSON. */
export const AUDIT_DETAILS_BYTES = 8 * 1024

/** Salts have so many bytes: a leaf must not let outsiders guess a short record. */
export const SALT_BYTES = 16

export const actorKinds = ['member', 'client', 'system'] as const
export type ActorKind = (typeof actorKinds)[number]

/** ASCII without blanks and control characters: what is shown cannot pretend to be something else. */
export const auditIdField = z.string().regex(/^[\x21-\x7e]{1,200}$/, 'an id of printable ASCII')

export const detailValueField = z.union([z.string().max(2_000), z.number().int(), z.boolean()])

const detailsField = z
  .record(z.string().regex(/^[a-zA-Z][a-zA-Z0-9]{0,63}$/, 'a name of letters and digits'), detailValueField)
  .refine((details) => byteLength(details) <= AUDIT_DETAILS_BYTES, { message: `at most ${AUDIT_DETAILS_BYTES} bytes` })

/** `YYYY-MM-DDTHH:MM:SS.sssZ`, a time that there is. */
export const instantField = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'a time in UTC, like 2026-01-31T23:59:59.999Z')
  .refine((text) => isInstant(text), { message: 'a time that there is' })

export const sequenceField = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)

/** A record of the log, as it is hashed: canonical JSON (RFC 8785) of this. */
export const auditRecordSchema = z
  .strictObject({
    /** `noun.verb`: one of `auditActions`, or of a newer Parley’s. */
    action: z
      .string()
      .regex(/^[a-z]{1,40}\.[a-z]+(-[a-z]+){0,3}$/, 'noun.verb')
      .max(81),
    /** Who did it: pseudonymous. */
    actor: z.strictObject({ id: auditIdField, kind: z.enum(actorKinds) }),
    /** When, in UTC. It informs; `seq` gives the order. */
    at: instantField,
    /** Why not, of the catalogue of errors. */
    code: z
      .string()
      .regex(/^[a-z][a-z0-9.-]{0,99}$/, 'an error code')
      .optional(),
    /** Small and flat; large things by their SHA-256. Decimals are strings. */
    details: detailsField,
    /** What it was done to. */
    object: z.strictObject({ id: auditIdField, kind: z.string().regex(/^[a-z]{1,40}$/, 'a kind') }),
    outcome: z.enum(['ok', 'denied', 'failed']),
    salt: z.string().regex(/^[0-9a-f]{32}$/, '16 bytes in lower-case hex'),
    /** 0, 1, 2 … without gaps. */
    seq: sequenceField,
    v: z.literal(1),
  })
  .refine(({ outcome, code }) => (outcome === 'ok') === (code === undefined), {
    message: 'a code stands where the outcome is not ok, and only there',
  })
export type AuditRecord = z.output<typeof auditRecordSchema>
export type AuditDetails = AuditRecord['details']

/** The bytes of a record that are hashed, as text. Throws `request.invalid` where it has not the form of one. */
export function auditRecordText(record: AuditRecord): string {
  const parsed = auditRecordSchema.safeParse(record)
  if (parsed.success) return canonicalJsonOfDefined(record)
  const issue = parsed.error.issues[0]
  throw new ParleyError('request.invalid', `an audit record: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`)
}

/** Reads a record. Throws `verify.failed` unless the text is the canonical JSON of one. */
export function readAuditRecord(text: string): AuditRecord {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new ParleyError('verify.failed', 'the record is not JSON', { cause })
  }
  const record = shaped(auditRecordSchema, value, 'the record')
  if (canonicalJsonOfDefined(record) !== text) {
    throw new ParleyError('verify.failed', 'the record is not in its canonical form')
  }
  return record
}

/** Milliseconds since the epoch as a record writes them. */
export function instantOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}

function isInstant(text: string): boolean {
  const milliseconds = Date.parse(text)
  return Number.isFinite(milliseconds) && instantOf(milliseconds) === text
}

function byteLength(details: object): number {
  try {
    return utf8(canonicalJsonOfDefined(details)).length
  } catch {
    // A lone surrogate has no canonical form.
    return Number.POSITIVE_INFINITY
  }
}
