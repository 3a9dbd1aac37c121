import type { z } from 'zod'
import type { Envelope } from '../crypto/envelope.ts'
import { fromUtf8 } from '../encoding/bytes.ts'
import { ParleyError } from '../errors/index.ts'

/**
 * The value inside an envelope whose signature was verified: limit, then JSON, then shape. Throws `frame.malformed`
 * with the first field that is wrong.
 */
export function parsePayload<Schema extends z.ZodType>(
  schema: Schema,
  envelope: Envelope,
  maxBytes: number,
): z.infer<Schema> {
  if (envelope.payload.length > maxBytes) {
    throw new ParleyError('frame.malformed', `a signed payload has more than ${maxBytes} bytes`)
  }
  const known = parsed.get(envelope.payload)
  if (known?.schema === schema) return known.value as z.infer<Schema>
  const result = schema.safeParse(parseJson(envelope.payload))
  if (result.success) {
    parsed.set(envelope.payload, { schema, value: result.data })
    return result.data
  }
  const issue = result.error.issues[0]
  throw new ParleyError('frame.malformed', `signed payload: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`)
}

/** In a simulation thousands of clients get one and the same envelope. Nobody writes to a payload, nor to what was read from it. */
const parsed = new WeakMap<Uint8Array, { readonly schema: z.ZodType; readonly value: unknown }>()

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(bytes))
  } catch (cause) {
    throw new ParleyError('frame.malformed', 'a signed payload is not JSON', { cause })
  }
}
