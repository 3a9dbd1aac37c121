import { toHex, utf8 } from '../encoding/bytes.ts'
import { canonicalJson } from '../encoding/canonical-json.ts'
import { ParleyError } from '../errors/index.ts'
import { payloadTypes, preAuthenticationEncoding } from './envelope.ts'
import type { Crypto, SigningKey } from './primitives.ts'

export const PROTOCOL_VERSION = 1
export const HANDSHAKE_NONCE_BYTES = 32

/** All that both sides said before they signed. Both sign all of it, so neither half of a handshake fits another. */
export type HandshakeTranscript = {
  readonly minVersion: number
  readonly maxVersion: number
  readonly version: number
  readonly offered: readonly string[]
  readonly agreed: readonly string[]
  readonly clientKey: Uint8Array
  readonly clientNonce: Uint8Array
  readonly coordinatorKey: Uint8Array
  readonly coordinatorNonce: Uint8Array
}

export type HandshakeRole = 'client' | 'coordinator'

/** The signature of one side. The role is signed too, so that a proof cannot be reflected to its maker. */
export function proveHandshake(key: SigningKey, role: HandshakeRole, transcript: HandshakeTranscript): Uint8Array {
  return key.sign(signedBytes(role, transcript))
}

/** Throws `auth.bad-signature` unless `signature` is the proof of `role` in this handshake. */
export function checkHandshake(
  crypto: Crypto,
  role: HandshakeRole,
  transcript: HandshakeTranscript,
  signature: Uint8Array,
): void {
  const key = role === 'client' ? transcript.clientKey : transcript.coordinatorKey
  if (!crypto.verify(key, signedBytes(role, transcript), signature)) {
    throw new ParleyError('auth.bad-signature', `the ${role}'s proof in the handshake does not verify`)
  }
}

/** The highest version in both ranges, or undefined when there is none. */
export function chooseVersion(min: number, max: number): number | undefined {
  return min <= PROTOCOL_VERSION && PROTOCOL_VERSION <= max ? PROTOCOL_VERSION : undefined
}

function signedBytes(role: HandshakeRole, transcript: HandshakeTranscript): Uint8Array {
  const payload = canonicalJson({
    role,
    minVersion: transcript.minVersion,
    maxVersion: transcript.maxVersion,
    version: transcript.version,
    offered: transcript.offered,
    agreed: transcript.agreed,
    clientKey: toHex(transcript.clientKey),
    clientNonce: toHex(transcript.clientNonce),
    coordinatorKey: toHex(transcript.coordinatorKey),
    coordinatorNonce: toHex(transcript.coordinatorNonce),
  })
  return preAuthenticationEncoding(payloadTypes.handshake, utf8(payload))
}
