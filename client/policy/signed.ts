import { z } from 'zod'
import { type PayloadType, payloadTypes, signJson, verifyEnvelope } from '../../core/crypto/envelope.ts'
import type { Crypto, SigningKey } from '../../core/crypto/primitives.ts'
import { fromUtf8, toHex, utf8 } from '../../core/encoding/bytes.ts'
import { type CanonicalValue, canonicalJson } from '../../core/encoding/canonical-json.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { envelopeJson, envelopeOfSeveralJson, parseEnvelope } from '../../core/release/envelope-json.ts'
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

/** The text of `policy.dsse.json`, with `signatures` of others over the same policy, by public key in hex. */
export function signPolicy(
  crypto: Crypto,
  key: SigningKey,
  policy: Policy,
  signatures: ReadonlyMap<string, Uint8Array> = new Map(),
): string {
  const sha256 = policyDigest(crypto, policy)
  const payload = { policy: JSON.parse(canonicalPolicy(policy)) as object, sha256 }
  const { signature, ...signed } = signJson(key, payloadTypes.clientPolicy, payload)
  const all = new Map([...signatures, [toHex(key.publicKey), signature]])
  return `${envelopeOfSeveralJson(signed, all)}\n`
}

/** The signatures of these keys over this policy, by key in hex. Whatever else the bytes are or hold is nothing. */
export function policySignatures(
  crypto: Crypto,
  keys: readonly Uint8Array[],
  policy: Policy,
  envelope: Uint8Array,
): ReadonlyMap<string, Uint8Array> {
  const found = new Map<string, Uint8Array>()
  for (const key of keys) {
    try {
      found.set(toHex(key), verifyPolicyBy(crypto, key, policy, envelope))
    } catch {}
  }
  return found
}

/**
 * Throws `policy.untrusted` unless each of the trusted keys has one of the envelope's signatures, and `policy.unsigned` where what
 * was signed is another policy, or the bytes are no envelope.
 */
export function verifyPolicy(
  crypto: Crypto,
  trusted: readonly Uint8Array[],
  policy: Policy,
  envelope: Uint8Array,
): void {
  for (const key of trusted) verifyPolicyBy(crypto, key, policy, envelope)
}

function verifyPolicyBy(crypto: Crypto, key: Uint8Array, policy: Policy, envelope: Uint8Array): Uint8Array {
  const { value: payload, signature } = verified(crypto, [key], payloadTypes.clientPolicy, envelope)
  const parsed = policyPayload.safeParse(payload)
  if (!parsed.success) throw new ParleyError('policy.unsigned', 'what was signed is no policy')
  const text = canonicalPolicy(policy)
  const same = canonicalJson(parsed.data.policy as CanonicalValue) === text
  if (!same || parsed.data.sha256 !== policyDigest(crypto, policy)) {
    throw new ParleyError('policy.unsigned', 'the policy was changed since it was signed')
  }
  return signature
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
      return { key, signature: envelope.signature, value: JSON.parse(fromUtf8(envelope.payload)) as unknown }
    }
  }
  throw new ParleyError('policy.untrusted', `not signed by ${keys.map(toHex).join(' or ')}`)
}

function envelopesOf(bytes: Uint8Array) {
  try {
    return parseEnvelope(bytes)
  } catch (cause) {
    throw new ParleyError('policy.unsigned', ParleyError.from(cause).message, { cause })
  }
}
