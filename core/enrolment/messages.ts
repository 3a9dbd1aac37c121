import { z } from 'zod'
import { timestampField } from '../attestation/time.ts'
import type { Crypto } from '../crypto/primitives.ts'
import { toHex } from '../encoding/bytes.ts'
import { idField, keyField } from '../run/fields.ts'

/** What requests to be enrolled, and to renew a certificate, are signed as, by the client's own Ed25519 key. */
export const ENROLMENT_PAYLOAD_TYPE = 'application/vnd.parley.enrolment+json'
export const RENEWAL_PAYLOAD_TYPE = 'application/vnd.parley.renewal+json'

/** How far the clock of a client may be off where it asks to be enrolled or for a new certificate. */
export const ENROLMENT_SKEW_MS = 5 * 60_000

const common = {
  v: z.literal(1),
  client: idField,
  /** Ed25519 key of the client, which signs this and is the key of the request for a certificate. */
  publicKey: keyField,
  /** PKCS #10 request (RFC 2986) in base64 of its DER. */
  csr: z.string().min(64).max(4_096),
  at: timestampField,
}

export const enrolmentRequestSchema = z.strictObject({
  ...common,
  /** Of the invitation. */
  secret: z.string().regex(/^[A-Za-z0-9_-]{22}$/),
})
export type EnrolmentRequest = z.infer<typeof enrolmentRequestSchema>

export const renewalRequestSchema = z.strictObject(common)
export type RenewalRequest = z.infer<typeof renewalRequestSchema>

const pem = z
  .string()
  .min(1)
  .max(64 * 1024)

/** Where a client stands, as it is told itself. */
export const enrolmentAnswerSchema = z.discriminatedUnion('state', [
  z.strictObject({ state: z.literal('pending'), fingerprint: z.string().max(60) }),
  z.strictObject({
    state: z.literal('active'),
    fingerprint: z.string().max(60),
    certificate: pem,
    authority: pem,
    notAfter: z.iso.datetime(),
  }),
])

export type EnrolmentAnswer =
  | { readonly state: 'pending'; readonly fingerprint: string }
  | {
      readonly state: 'active'
      readonly fingerprint: string
      /** PEM: the certificate of the client, and that of its authority. */
      readonly certificate: string
      readonly authority: string
      /** When the certificate ends, RFC 3339. */
      readonly notAfter: string
    }

/** What two people read to each other over the phone: 80 bits of the SHA-256 of a key, in groups of four digits. */
export function fingerprintOf(crypto: Pick<Crypto, 'sha256'>, publicKey: Uint8Array): string {
  const digits = toHex(crypto.sha256(publicKey)).slice(0, 20)
  return (digits.match(/.{4}/g) ?? []).join('-')
}

/** Whether what somebody typed is this fingerprint: capitals and separators do not matter. */
export function isFingerprint(typed: string, fingerprint: string): boolean {
  const plain = (text: string) => text.toLowerCase().replace(/[^0-9a-f]/g, '')
  return plain(typed).length === 20 && plain(typed) === plain(fingerprint)
}
