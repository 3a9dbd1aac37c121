import type { Envelope } from '../crypto/envelope.ts'
import { ParleyError } from '../errors/index.ts'

/** The envelope in a frame's field. Throws `frame.malformed` when it is missing. */
export function envelopeOf(field: Envelope | null | undefined): Envelope {
  if (field === null || field === undefined)
    throw new ParleyError('frame.malformed', 'a frame lacks its signed envelope')
  return field
}
