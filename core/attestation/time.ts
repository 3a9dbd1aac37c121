import { z } from 'zod'

/** `YYYY-MM-DDTHH:MM:SSZ` (RFC 3339 in UTC, whole seconds), a day that there is: how attestations write times. */
export const timestampField = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, 'a time in UTC, like 2026-01-31T23:59:59Z')
  .refine((text) => text === timestampOf(Date.parse(text)), { message: 'a time that there is' })

/** Milliseconds since the epoch, down to the second before. Throws nothing: what is no time becomes an empty text. */
export function timestampOf(milliseconds: number): string {
  if (!(Math.abs(milliseconds) <= LATEST)) return ''
  return `${new Date(milliseconds).toISOString().slice(0, -5)}Z`
}

/** Of ECMAScript's dates: 100 million days from the epoch. */
const LATEST = 8.64e15
