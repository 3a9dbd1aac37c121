import { z } from 'zod'

/** Field types that the signed payloads share. */
export const digestField = z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 in lower-case hex')
export const keyField = z.string().regex(/^[0-9a-f]{64}$/, 'a 32-byte key in lower-case hex')
export const idField = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,100}$/, 'an id of letters, digits, dots, dashes and underscores')
export const roundField = z.number().int().min(1).max(1_000_000)
export const byteCountField = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER)
