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
  const result = schema.safeParse(parseJson(envelope.payload))
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw new ParleyError('frame.malformed', `signed payload: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`)
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(bytes))
  } catch (cause) {
    throw new ParleyError('frame.malformed', 'a signed payload is not JSON', { cause })
  }
}
