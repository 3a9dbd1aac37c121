import { z } from 'zod'
import type { Envelope } from '../crypto/envelope.ts'
import { anyBase64 } from '../encoding/any-base64.ts'
import { fromUtf8, toBase64, toHex } from '../encoding/bytes.ts'
import { ParleyError } from '../errors/index.ts'

/** Largest envelope as JSON. */
export const ENVELOPE_BYTES = 1024 * 1024

/**
 * An envelope as a file or an HTTP body: the JSON form of DSSE (secure-systems-lab/dsse, envelope.md). `keyid` is the
 * public key in hex, as a hint for people; it decides nothing.
 */
export function envelopeJson({ signature, ...signed }: Envelope, publicKey: Uint8Array): string {
  return envelopeOfSeveralJson(signed, new Map([[toHex(publicKey), signature]]))
}

/** The same with several signatures, by public key in hex. */
export function envelopeOfSeveralJson(
  { payloadType, payload }: Pick<Envelope, 'payloadType' | 'payload'>,
  by: ReadonlyMap<string, Uint8Array>,
): string {
  const signatures = [...by].map(([keyid, signature]) => ({ keyid, sig: toBase64(signature) }))
  return JSON.stringify({ payload: toBase64(payload), payloadType, signatures })
}

// Unknown members are ignored, and `keyid` may be anything: so the format wants it.
const schema = z.object({
  payload: z.string(),
  payloadType: z.string().max(200),
  signatures: z
    .array(z.object({ sig: z.string().max(10_000) }))
    .min(1)
    .max(16),
})

/**
 * Reads an envelope, once for each of its signatures. Throws `verify.failed` when it is not one; nothing is verified.
 */
export function parseEnvelope(bytes: Uint8Array): readonly Envelope[] {
  if (bytes.length > ENVELOPE_BYTES) throw notOne(`it has more than ${ENVELOPE_BYTES} bytes`)
  const parsed = schema.safeParse(jsonOf(bytes))
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw notOne(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`)
  }
  const { payloadType, payload, signatures } = parsed.data
  const body = base64(payload)
  return signatures.map(({ sig }) => ({ payloadType, payload: body, signature: base64(sig) }))
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(bytes))
  } catch {
    throw notOne('it is not JSON')
  }
}

/** Readers of DSSE take every form. */
function base64(text: string): Uint8Array {
  const bytes = anyBase64(text)
  if (bytes === undefined) throw notOne('it is not base64 where it should be')
  return bytes
}

function notOne(reason: string): ParleyError {
  return new ParleyError('verify.failed', `this is not a DSSE envelope: ${reason}`)
}
