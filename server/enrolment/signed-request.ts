import type { z } from 'zod'
import { parseDsse, verifyDsse } from '../../core/attestation/dsse.ts'
import { readCanonical } from '../../core/attestation/json-payload.ts'
import type { Crypto } from '../../core/crypto/primitives.ts'
import { fromHex, fromUtf8 } from '../../core/encoding/bytes.ts'
import { ENROLMENT_SKEW_MS } from '../../core/enrolment/messages.ts'
import { ParleyError } from '../../core/errors/index.ts'

const MOST_BYTES = 16 * 1024

/**
 * What a client asks for: a DSSE envelope as JSON, signed by the key that it names, of now. Fails with `enrolment.request-invalid` for
 * everything that is wrong with it.
 */
export async function signedRequest<Schema extends z.ZodType<{ readonly publicKey: string; readonly at: string }>>(
  { crypto, now }: { readonly crypto: Crypto; readonly now: () => number },
  body: Uint8Array,
  payloadType: string,
  schema: Schema,
): Promise<z.output<Schema>> {
  try {
    const envelope = parseDsse(body, { maxBytes: MOST_BYTES })
    const claimed: unknown = JSON.parse(fromUtf8(envelope.payload))
    const key = fromHex(String((claimed as { publicKey?: unknown } | null)?.publicKey))
    if (key === undefined) throw new ParleyError('enrolment.request-invalid', 'it names no key')
    const payload = await verifyDsse(envelope, payloadType, (message, signature) =>
      crypto.verify(key, message, signature),
    )
    const request = readCanonical(schema, payload, 'a request')
    if (Math.abs(Date.parse(request.at) - now()) > ENROLMENT_SKEW_MS) {
      const here = new Date(now()).toISOString()
      throw new ParleyError('enrolment.request-invalid', `its time is ${request.at}, and here it is ${here}`)
    }
    return request
  } catch (cause) {
    if (cause instanceof ParleyError && cause.code === 'enrolment.request-invalid') throw cause
    const why = cause instanceof ParleyError ? cause.message : 'it is not JSON'
    throw new ParleyError('enrolment.request-invalid', why, { cause })
  }
}
