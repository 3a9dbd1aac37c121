import { z } from 'zod'
import { preAuthenticationEncoding } from '../crypto/envelope.ts'
import { anyBase64 } from '../encoding/any-base64.ts'
import { toBase64 } from '../encoding/bytes.ts'
import { ParleyError } from '../errors/index.ts'
import { ENVELOPE_BYTES } from '../release/envelope-json.ts'
import { canonicalBytes, isCanonical, readJson, shaped } from './json-payload.ts'

/**
 * A DSSE envelope (secure-systems-lab/dsse, protocol 1.0.2) with any number of signatures of any algorithm: ECDSA's have
 * no fixed length. Envelopes on the wire have exactly one of Ed25519 (`core/crypto/envelope.ts`).
 */
export type DsseEnvelope = {
  readonly payloadType: string
  readonly payload: Uint8Array
  readonly signatures: readonly Uint8Array[]
}

/** What in-toto Statements are signed as. */
export const IN_TOTO_PAYLOAD_TYPE = 'application/vnd.in-toto+json'

/** Whatever signs a message: an Ed25519 identity as well as a release key. */
export interface MessageSigner {
  sign(message: Uint8Array): Uint8Array | Promise<Uint8Array>
}

/** Whether the signature of the message is by the key that is trusted. */
export type MessageVerifier = (message: Uint8Array, signature: Uint8Array) => boolean | Promise<boolean>

export async function signDsse(signer: MessageSigner, payloadType: string, payload: Uint8Array): Promise<DsseEnvelope> {
  const signature = await signer.sign(preAuthenticationEncoding(payloadType, payload))
  return { payloadType, payload, signatures: [signature] }
}

/**
 * The payload, once one of the signatures over it is good. Throws `verify.failed`. The payload is not parsed here: what
 * is parsed must be what was verified.
 */
export async function verifyDsse(
  envelope: DsseEnvelope,
  payloadType: string,
  verify: MessageVerifier,
): Promise<Uint8Array> {
  if (envelope.payloadType !== payloadType) {
    throw new ParleyError('verify.failed', `the envelope is not of type ${payloadType}`)
  }
  const signed = preAuthenticationEncoding(payloadType, envelope.payload)
  for (const signature of envelope.signatures) if (await verify(signed, signature)) return envelope.payload
  throw new ParleyError('verify.failed', `no signature of a ${payloadType} verifies with the trusted key`)
}

/** The JSON form (dsse, envelope.md) as plain data. `keyid` would decide nothing and is left out. */
export function dsseValue({ payloadType, payload, signatures }: DsseEnvelope): {
  payload: string
  payloadType: string
  signatures: { sig: string }[]
} {
  return {
    payload: toBase64(payload),
    payloadType,
    signatures: signatures.map((signature) => ({ sig: toBase64(signature) })),
  }
}

/** The envelope as a file: canonical JSON, so that equal envelopes are equal files. */
export function dsseBytes(envelope: DsseEnvelope): Uint8Array {
  return canonicalBytes(dsseValue(envelope))
}

const signatureText = z.string().min(1).max(10_000)

// Unknown members are ignored, and `keyid` may be anything: so DSSE wants it.
const looseSchema = z.object({
  payload: z.string(),
  payloadType: z.string().min(1).max(200),
  signatures: z
    .array(z.object({ sig: signatureText }))
    .min(1)
    .max(16),
})

/** The form of OMS v1.0 (`envelope.schema.json`): an in-toto Statement, and no member that is not known. */
export const omsEnvelopeSchema = z.strictObject({
  payload: z.string().min(1),
  payloadType: z.literal(IN_TOTO_PAYLOAD_TYPE),
  signatures: z
    .array(z.strictObject({ sig: signatureText, keyid: z.string().nullish() }))
    .min(1)
    .max(16),
})

export type ReadDsseOptions = {
  /** Of the file, in bytes. */
  readonly maxBytes?: number
  /** Only the very bytes that `dsseBytes` writes: then no byte of the file can change unseen. */
  readonly canonical?: boolean
}

/** Reads an envelope from a file or a body. Throws `verify.failed` when it is not one; nothing is verified. */
export function parseDsse(bytes: Uint8Array, options: ReadDsseOptions = {}): DsseEnvelope {
  const { maxBytes = ENVELOPE_BYTES, canonical = false } = options
  if (bytes.length > maxBytes) throw notOne(`it has more than ${maxBytes} bytes`)
  const value = readJson(bytes, 'a DSSE envelope')
  const envelope = dsseOf(shaped(looseSchema, value, 'a DSSE envelope'))
  if (canonical && !isCanonical(bytes, dsseValue(envelope))) throw notOne('it is not in its canonical form')
  return envelope
}

/** The envelope of its JSON form. Throws `verify.failed` on what is not base64. */
export function dsseOf(form: z.output<typeof looseSchema>): DsseEnvelope {
  return {
    payloadType: form.payloadType,
    payload: decoded(form.payload),
    signatures: form.signatures.map(({ sig }) => decoded(sig)),
  }
}

function decoded(text: string): Uint8Array {
  const bytes = anyBase64(text)
  if (bytes === undefined) throw notOne('it is not base64 where it should be')
  return bytes
}

function notOne(reason: string): ParleyError {
  return new ParleyError('verify.failed', `this is not a DSSE envelope: ${reason}`)
}
