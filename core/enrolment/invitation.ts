import { z } from 'zod'
import { fromUtf8, utf8 } from '../encoding/bytes.ts'
import { ParleyError } from '../errors/index.ts'
import { digestField, idField, keyField } from '../run/fields.ts'

const PREFIX = 'parley1-'
const MOST_CHARACTERS = 4_096
const SECRET_BYTES = 16

const addressField = z
  .string()
  .max(300)
  .regex(/^(https?|grpcs?|wss?):\/\/[^\s]+$/, 'an address')

/**
 * What an operator hands to an institution over a channel of its own, once: who it is going to be, where the coordinator is, and by
 * what it is recognised. Whoever has it can ask to be that client; nobody becomes it without an operator's approval.
 */
export const invitationSchema = z.strictObject({
  /** The id that the client will have. */
  client: idField,
  /** Ed25519 key of the coordinator, lower-case hex: what the client will pin. */
  coordinator: keyField,
  /** HTTP address of the coordinator, for the request. */
  http: addressField,
  /** Addresses of its carriers, the preferred one first. */
  carriers: z.array(addressField).min(1).max(8),
  /** SHA-256 of the DER of the certificate of its authority; null where there is no TLS. */
  authority: digestField.nullable(),
  /** 16 random bytes in base64url. */
  secret: z.string().regex(/^[A-Za-z0-9_-]{22}$/),
})
export type Invitation = z.infer<typeof invitationSchema>

/** The code that is handed over: one word, without white space. */
export function invitationCode(invitation: Invitation): string {
  const { client, coordinator, http, carriers, authority, secret } = invitationSchema.parse(invitation)
  return `${PREFIX}${base64url(utf8(JSON.stringify([client, coordinator, http, carriers, authority, secret])))}`
}

/** Reads a code; white space in and around it, as mail programs add it, does no harm. Throws `enrolment.code-malformed`. */
export function parseInvitation(code: string): Invitation {
  const text = code.replace(/\s+/g, '')
  if (text.length > MOST_CHARACTERS || !text.startsWith(PREFIX)) throw malformed(`it begins with ${PREFIX}`)
  const fields = parsed(text.slice(PREFIX.length))
  if (!Array.isArray(fields) || fields.length !== 6) throw malformed('a part of it is missing')
  const [client, coordinator, http, carriers, authority, secret] = fields as unknown[]
  const result = invitationSchema.safeParse({ client, coordinator, http, carriers, authority, secret })
  if (!result.success) throw malformed('a part of it is damaged')
  return result.data
}

/** A new secret of an invitation. */
export function invitationSecret(randomBytes: (length: number) => Uint8Array): string {
  return base64url(randomBytes(SECRET_BYTES))
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(
      fromUtf8(Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0))),
    )
  } catch {
    throw malformed('a part of it is damaged')
  }
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '')
}

function malformed(why: string): ParleyError {
  return new ParleyError('enrolment.code-malformed', `this is not the code of an invitation: ${why}`)
}
