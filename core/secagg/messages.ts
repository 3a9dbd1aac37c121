import { z } from 'zod'
import { type Envelope, preAuthenticationEncoding } from '../crypto/envelope.ts'
import { type Crypto, KEY_BYTES, SIGNATURE_BYTES, type SigningKey, TAG_BYTES } from '../crypto/primitives.ts'
import { fromUtf8, utf8 } from '../encoding/bytes.ts'
import { type CanonicalValue, canonicalJson } from '../encoding/canonical-json.ts'
import { digestField, idField, keyField } from '../run/fields.ts'
import { SECRET_BYTES } from './shamir.ts'

/**
 * What travels. Clients sign all they send: DSSE envelopes around canonical JSON, one payload type for each step, bound to
 * the configuration and, once there is one, to the roster. Of the coordinator only the configuration is signed: clients
 * check everything else against what other clients signed. Masked vectors travel apart, by their digest.
 */
export const secaggPayloadTypes = {
  configuration: 'application/vnd.parley.secagg-configuration+json',
  advertise: 'application/vnd.parley.secagg-advertise+json',
  share: 'application/vnd.parley.secagg-share+json',
  input: 'application/vnd.parley.secagg-input+json',
  survivors: 'application/vnd.parley.secagg-survivors+json',
  unmask: 'application/vnd.parley.secagg-unmask+json',
} as const

export type Step = 'advertise' | 'share' | 'input' | 'survivors' | 'unmask'

/** A sealed pair of shares: both shares and a tag, 48 bytes, so that its base64 ends at a full group. */
export const SEALED_BYTES = 2 * SECRET_BYTES + TAG_BYTES
export const SEALED_CHARACTERS = (SEALED_BYTES / 3) * 4
const SIGNATURE_CHARACTERS = Math.ceil(SIGNATURE_BYTES / 3) * 4
const MAX_COHORT = 65_535

/** 1 at the codes of the letters of base64. */
const letters = new Uint8Array(128)
for (const letter of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/')
  letters[letter.charCodeAt(0)] = 1

const base64 = z.string().refine(isBase64, 'base64')
const signature = base64.length(SIGNATURE_CHARACTERS)
const index = z.number().int().min(0).lt(MAX_COHORT)
const indices = z.array(index).max(MAX_COHORT)

/** What a client publishes about itself: a row of the roster, without the signature. */
const advertised = {
  client: idField,
  /** Ed25519, long-lived. */
  identityKey: keyField,
  /** X25519, for this session: seals shares. */
  channelKey: keyField,
  /** X25519, for this session: agrees pairwise masks. */
  maskKey: keyField,
  /** Of the seed of the own mask: `seedHashOf`. */
  seedHash: digestField,
  /** SHA-256 of the coin for the buckets. */
  coinHash: digestField,
}

/** The hash of the roster, which stands for the configuration too. */
const bound = { v: z.literal(1), roster: digestField, client: idField }

export const advertiseSchema = z.strictObject({ v: z.literal(1), config: digestField, ...advertised })
export const shareSchema = z.strictObject({
  ...bound,
  coin: keyField,
  /** A sealed pair for each holder but the client itself, in the order of the roster. */
  sealed: base64,
})
export const inputSchema = z.strictObject({
  ...bound,
  members: digestField,
  /** SHA-256 of the masked vector's little-endian bytes. */
  digest: digestField,
})
export const survivorsSchema = z.strictObject({ ...bound, members: digestField, survivors: digestField })
export const unmaskSchema = z.strictObject({
  ...bound,
  survivors: digestField,
  /** Shares of survivors' seeds, 16 bytes each, in the order of the roster. */
  selfShares: base64,
  /** Shares of dropped members' mask seeds. */
  maskShares: base64,
})

export const rosterRowSchema = z.strictObject({ ...advertised, signature })
export type RosterRow = z.infer<typeof rosterRowSchema>

const broadcast = { v: z.literal(1), config: digestField }

export const rosterBroadcastSchema = z.strictObject({
  ...broadcast,
  kind: z.literal('roster'),
  rows: z.array(rosterRowSchema).max(MAX_COHORT),
  coin: keyField,
  beacon: keyField.nullable(),
})
export const membersBroadcastSchema = z.strictObject({
  ...broadcast,
  kind: z.literal('members'),
  members: indices,
  coins: z.array(keyField).max(MAX_COHORT),
  /** What the members that deal to this client sealed for it, in the order of the roster. */
  sealed: base64,
})
export const survivorsBroadcastSchema = z.strictObject({
  ...broadcast,
  kind: z.literal('survivors'),
  survivors: indices,
})
export const confirmationsBroadcastSchema = z.strictObject({
  ...broadcast,
  kind: z.literal('confirmations'),
  signers: indices,
  signatures: z.array(signature).max(MAX_COHORT),
})

export type RosterBroadcast = z.infer<typeof rosterBroadcastSchema>
export type MembersBroadcast = z.infer<typeof membersBroadcastSchema>
export type SurvivorsBroadcast = z.infer<typeof survivorsBroadcastSchema>
export type ConfirmationsBroadcast = z.infer<typeof confirmationsBroadcastSchema>
export type Broadcast = RosterBroadcast | MembersBroadcast | SurvivorsBroadcast | ConfirmationsBroadcast

/** Letters of base64 and padding; a loop, as fields are long and a regular expression takes ten times as long. */
function isBase64(text: string): boolean {
  const end = text.endsWith('==') ? text.length - 2 : text.endsWith('=') ? text.length - 1 : text.length
  for (let at = 0; at < end; at++) if (letters[text.charCodeAt(at)] !== 1) return false
  return true
}

/** What a confirmation signs; clients rebuild it to check each other's. */
export type SurvivorsPayload = z.infer<typeof survivorsSchema>

/** An upper bound on the JSON of any client's message in a session of `cohort` clients; larger ones are not parsed. */
export function messageLimit(cohort: number): number {
  return 2_048 + cohort * SEALED_CHARACTERS
}

/** An upper bound on the JSON of any broadcast; the roster is the largest. */
export function broadcastLimit(cohort: number): number {
  return 2_048 + cohort * 700
}

export function signMessage(key: SigningKey, step: keyof typeof secaggPayloadTypes, value: CanonicalValue): Envelope {
  const payloadType = secaggPayloadTypes[step]
  const payload = utf8(canonicalJson(value))
  return { payloadType, payload, signature: key.sign(preAuthenticationEncoding(payloadType, payload)) }
}

/** Whether `signature` is that of `identityKey` under the message of this step with this value. */
export function signedBy(
  crypto: Crypto,
  identityKey: Uint8Array,
  step: Step,
  value: CanonicalValue,
  signature: Uint8Array,
): boolean {
  const signed = preAuthenticationEncoding(secaggPayloadTypes[step], utf8(canonicalJson(value)))
  return identityKey.length === KEY_BYTES && crypto.verify(identityKey, signed, signature)
}

/** The value in an envelope of this type and key: limit, signature, JSON, shape; undefined when one of them fails. */
export function openMessage<Schema extends z.ZodType>(
  crypto: Crypto,
  identityKey: Uint8Array,
  step: keyof typeof secaggPayloadTypes,
  schema: Schema,
  envelope: Envelope,
  maxBytes: number,
): z.infer<Schema> | undefined {
  const payloadType = secaggPayloadTypes[step]
  if (envelope.payloadType !== payloadType || envelope.payload.length > maxBytes) return undefined
  const signed = preAuthenticationEncoding(payloadType, envelope.payload)
  if (!crypto.verify(identityKey, signed, envelope.signature)) return undefined
  try {
    return schema.safeParse(JSON.parse(fromUtf8(envelope.payload))).data
  } catch {
    return undefined
  }
}
