import { z } from 'zod'
import { type PayloadType, payloadTypes, signJson, verifyEnvelope } from '../../core/crypto/envelope.ts'
import type { Crypto, SigningKey } from '../../core/crypto/primitives.ts'
import { fromUtf8, toHex, utf8 } from '../../core/encoding/bytes.ts'
import { type CanonicalValue, canonicalJson } from '../../core/encoding/canonical-json.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { envelopeJson, parseEnvelope } from '../../core/release/envelope-json.ts'
import { digestField, keyField } from '../../core/run/fields.ts'
import { isDay, isInstant } from './instants.ts'
import { canonicalPolicy } from './parse.ts'
import type { Policy } from './schema.ts'

const policyPayload = z.strictObject({ policy: z.json(), sha256: digestField })

const decisionSchema = z.strictObject({
  v: z.literal(1),
  decision: z.enum(['approve', 'refuse']),
  /** The plan's digest. */
  plan: digestField,
  /** The keys of the client that it is for and of the coordinator that asked. */
  client: keyField,
  coordinator: keyField,
  at: z.string().refine(isInstant),
  /** A day, through which it holds, or a time. */
  until: z
    .string()
    .refine((value) => isDay(value) || isInstant(value))
    .optional(),
  /** What is approved: training on this data set, or what this study of the policy asks a review for. */
  data: z.string().max(100).optional(),
  study: z.string().max(100).optional(),
  reason: z.string().min(1).max(400).optional(),
})

/** What one person decided about one plan. */
export type Decision = z.output<typeof decisionSchema>
export type SignedDecision = { readonly decision: Decision; readonly key: string }

/** The policy's digest: SHA-256 of its canonical text, lower-case hex. */
export function policyDigest(crypto: Pick<Crypto, 'sha256'>, policy: Policy): string {
  return toHex(crypto.sha256(utf8(canonicalPolicy(policy))))
}

/** The text of `policy.dsse.json`. */
export function signPolicy(crypto: Crypto, key: SigningKey, policy: Policy): string {
  const sha256 = policyDigest(crypto, policy)
  const payload = { policy: JSON.parse(canonicalPolicy(policy)) as object, sha256 }
  return `${envelopeJson(signJson(key, payloadTypes.clientPolicy, payload), key.publicKey)}\n`
}

/**
 * Throws `policy.untrusted` unless one of the envelope's signatures is of the trusted key, and `policy.unsigned` where what it
 * signed is another policy, or the bytes are no envelope.
 */
export function verifyPolicy(crypto: Crypto, trusted: Uint8Array, policy: Policy, envelope: Uint8Array): void {
  const payload = verified(crypto, [trusted], payloadTypes.clientPolicy, envelope).value
  const parsed = policyPayload.safeParse(payload)
  if (!parsed.success) throw new ParleyError('policy.unsigned', 'what was signed is no policy')
  const text = canonicalPolicy(policy)
  const same = canonicalJson(parsed.data.policy as CanonicalValue) === text
  if (!same || parsed.data.sha256 !== policyDigest(crypto, policy)) {
    throw new ParleyError('policy.unsigned', 'the policy was changed since it was signed')
  }
}

export function signDecision(key: SigningKey, decision: Decision): string {
  return `${envelopeJson(signJson(key, payloadTypes.planDecision, decision), key.publicKey)}\n`
}

/** A decision by one of the keys. Throws `policy.untrusted` for another, `policy.unsigned` for what is none. */
export function readDecision(crypto: Crypto, keys: readonly Uint8Array[], envelope: Uint8Array): SignedDecision {
  const { key, value } = verified(crypto, keys, payloadTypes.planDecision, envelope)
  const parsed = decisionSchema.safeParse(value)
  if (!parsed.success) throw new ParleyError('policy.unsigned', 'what was signed is no decision')
  return { decision: parsed.data, key: toHex(key) }
}

/** The payload, once one of its signatures is by one of the keys; it is parsed after that. */
function verified(crypto: Crypto, keys: readonly Uint8Array[], type: PayloadType, bytes: Uint8Array) {
  for (const envelope of envelopesOf(bytes)) {
    for (const key of keys) {
      try {
        verifyEnvelope(crypto, key, type, envelope)
      } catch {
        continue
      }
      return { key, value: JSON.parse(fromUtf8(envelope.payload)) as unknown }
    }
  }
  throw new ParleyError('policy.untrusted')
}

function envelopesOf(bytes: Uint8Array) {
  try {
    return parseEnvelope(bytes)
  } catch (cause) {
    throw new ParleyError('policy.unsigned', ParleyError.from(cause).message, { cause })
  }
}
