import type { z } from 'zod'
import { equalBytes, fromUtf8, utf8 } from '../encoding/bytes.ts'
import { canonicalJsonOfDefined } from '../encoding/canonical-json.ts'
import { ParleyError } from '../errors/index.ts'

/** The canonical JSON (RFC 8785) of plain data whose optional members may be undefined. */
export function canonicalBytes(value: object): Uint8Array {
  return utf8(canonicalJsonOfDefined(value))
}

/** Strict UTF-8, JSON. Throws `verify.failed`, which names `what`. */
export function readJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(fromUtf8(bytes))
  } catch (cause) {
    throw new ParleyError('verify.failed', `${what} is not JSON`, { cause })
  }
}

/** Whether these are the bytes that canonical JSON has for what was read from them: no second key, no white space. */
export function isCanonical(bytes: Uint8Array, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  try {
    return equalBytes(canonicalBytes(value), bytes)
  } catch {
    // A lone surrogate, or nesting deeper than the stack: neither has a canonical form.
    return false
  }
}

/** The value as the schema gives it. Throws `verify.failed` with the first thing that is wrong. */
export function shaped<Schema extends z.ZodType>(schema: Schema, value: unknown, what: string): z.output<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new ParleyError('verify.failed', `${what}: ${issueOf(parsed.error)}`)
}

/** The first issue of a schema in words. */
export function issueOf(error: z.ZodError): string {
  const issue = error.issues[0]
  const path = issue?.path.map(String).join('.') ?? ''
  return `${path === '' ? '' : `${path}: `}${issue?.message ?? 'it has another form'}`
}

/** A payload of ours: canonical JSON of the schema's form. Throws `verify.failed`. Verify its signature first. */
export function readCanonical<Schema extends z.ZodType>(
  schema: Schema,
  payload: Uint8Array,
  what: string,
): z.output<Schema> {
  const value = readJson(payload, what)
  const result = shaped(schema, value, what)
  if (!isCanonical(payload, value)) throw new ParleyError('verify.failed', `${what} is not in its canonical form`)
  return result
}

/** A payload for signing: checked by the schema that its reader uses. Throws `request.invalid`. */
export function writeCanonical<Schema extends z.ZodType>(
  schema: Schema,
  value: z.input<Schema> & object,
  what: string,
): Uint8Array {
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw new ParleyError('request.invalid', `${what}: ${issueOf(parsed.error)}`)
  return canonicalBytes(value)
}
