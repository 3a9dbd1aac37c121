import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { dsseBytes, signDsse } from '../../core/attestation/dsse.ts'
import { writeCanonical } from '../../core/attestation/json-payload.ts'
import { timestampOf } from '../../core/attestation/time.ts'
import type { SigningKey } from '../../core/crypto/primitives.ts'
import { fromHex, toBase64, toHex } from '../../core/encoding/bytes.ts'
import type { Invitation } from '../../core/enrolment/invitation.ts'
import {
  ENROLMENT_PAYLOAD_TYPE,
  enrolmentRequestSchema,
  RENEWAL_PAYLOAD_TYPE,
  renewalRequestSchema,
} from '../../core/enrolment/messages.ts'

x509.cryptoProvider.set(webcrypto)

/** The key of a client: its half that signs, and the 32 bytes that it was made of. */
export type ClientKey = { readonly identity: SigningKey; readonly seed: Uint8Array }

/** The body of a request to be enrolled: a DSSE envelope as JSON. `now` in milliseconds since the epoch. */
export async function enrolmentRequest(
  key: ClientKey,
  { client, secret }: Pick<Invitation, 'client' | 'secret'>,
  now: number,
): Promise<Uint8Array> {
  const request = { ...(await common(key, client, now)), secret }
  return signed(key, ENROLMENT_PAYLOAD_TYPE, writeCanonical(enrolmentRequestSchema, request, 'a request'))
}

/** The body of a request for a new certificate. */
export async function renewalRequest(key: ClientKey, client: string, now: number): Promise<Uint8Array> {
  const request = await common(key, client, now)
  return signed(key, RENEWAL_PAYLOAD_TYPE, writeCanonical(renewalRequestSchema, request, 'a request'))
}

/** A request for a certificate (PKCS #10, RFC 2986) of the client's own Ed25519 key, as DER. */
export async function certificateRequest({ identity, seed }: ClientKey, client: string): Promise<Uint8Array> {
  const [pkcs8, spki] = [concat(PKCS8, seed), concat(SPKI, identity.publicKey)]
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [client] }],
    keys: {
      privateKey: await webcrypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', false, ['sign']),
      publicKey: await webcrypto.subtle.importKey('spki', spki, 'Ed25519', true, ['verify']),
    },
    signingAlgorithm: 'Ed25519',
  })
  return new Uint8Array(request.rawData)
}

/** The private key for TLS: PKCS #8 as PEM. */
export function tlsKey({ seed }: Pick<ClientKey, 'seed'>): string {
  return `${x509.PemConverter.encode(concat(PKCS8, seed).buffer, 'PRIVATE KEY')}\n`
}

// RFC 8410: what stands before the 32 bytes of an Ed25519 key.
const PKCS8 = fromHex('302e020100300506032b657004220420') ?? new Uint8Array(0)
const SPKI = fromHex('302a300506032b6570032100') ?? new Uint8Array(0)

async function common(key: ClientKey, client: string, now: number) {
  const csr = toBase64(await certificateRequest(key, client))
  return { v: 1 as const, client, publicKey: toHex(key.identity.publicKey), csr, at: timestampOf(now) }
}

async function signed({ identity }: ClientKey, payloadType: string, payload: Uint8Array): Promise<Uint8Array> {
  return dsseBytes(await signDsse(identity, payloadType, payload))
}

function concat(prefix: Uint8Array, key: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(prefix.length + key.length)
  bytes.set(prefix)
  bytes.set(key, prefix.length)
  return bytes
}
