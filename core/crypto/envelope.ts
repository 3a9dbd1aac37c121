import { concatBytes, utf8 } from '../encoding/bytes.ts'
import { type CanonicalValue, canonicalJson, canonicalJsonOfDefined } from '../encoding/canonical-json.ts'
import { ParleyError } from '../errors/index.ts'
import type { Crypto, SigningKey } from './primitives.ts'

/**
 * A DSSE envelope (secure-systems-lab/dsse, protocol 1.0.2) with one Ed25519 signature. Everything that Parley signs is
 * signed so; the payload type is part of what is signed, so that a signature never means two things.
 */
export type Envelope = {
  readonly payloadType: string
  readonly payload: Uint8Array
  readonly signature: Uint8Array
}

export const payloadTypes = {
  handshake: 'application/vnd.parley.handshake+json',
  round: 'application/vnd.parley.round+json',
  update: 'application/vnd.parley.update+json',
  evaluation: 'application/vnd.parley.evaluation+json',
  maskedEvaluation: 'application/vnd.parley.masked-evaluation+json',
  manifest: 'application/vnd.parley.manifest+json',
  clientPolicy: 'application/vnd.parley.client-policy+json',
  planDecision: 'application/vnd.parley.plan-decision+json',
} as const

export type PayloadType = (typeof payloadTypes)[keyof typeof payloadTypes]

/** The bytes that are signed: DSSE's pre-authentication encoding. */
export function preAuthenticationEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const typeBytes = utf8(payloadType).length
  return concatBytes(utf8(`DSSEv1 ${typeBytes} ${payloadType} ${payload.length} `), payload)
}

export function signBytes(key: SigningKey, payloadType: PayloadType, payload: Uint8Array): Envelope {
  return { payloadType, payload, signature: key.sign(preAuthenticationEncoding(payloadType, payload)) }
}

/** Signs the canonical JSON of `value`. */
export function signValue(key: SigningKey, payloadType: PayloadType, value: CanonicalValue): Envelope {
  return signBytes(key, payloadType, utf8(canonicalJson(value)))
}

/** The same of plain data whose optional members may be undefined. */
export function signJson(key: SigningKey, payloadType: PayloadType, value: object): Envelope {
  return signBytes(key, payloadType, utf8(canonicalJsonOfDefined(value)))
}

/** Throws `auth.bad-signature` unless the envelope is of this type and signed by this key. Verify before parsing. */
export function verifyEnvelope(
  crypto: Crypto,
  publicKey: Uint8Array,
  payloadType: PayloadType,
  envelope: Envelope,
): void {
  if (envelope.payloadType !== payloadType) {
    throw new ParleyError('auth.bad-signature', `the envelope is not of type ${payloadType}`)
  }
  const signed = preAuthenticationEncoding(payloadType, envelope.payload)
  if (!crypto.verify(publicKey, signed, envelope.signature)) {
    throw new ParleyError('auth.bad-signature', `the signature of a ${payloadType} does not verify`)
  }
}
