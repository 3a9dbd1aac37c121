import { z } from 'zod'
import { digestField } from '../../core/run/fields.ts'

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)

/** A backup, by whoever has made it beside the coordinator: its SHA-256, and what is in it. */
export const backupBody = z.strictObject({
  sha256: digestField,
  bytes: count,
  files: count,
  keys: z.enum(['apart', 'sealed', 'clear']),
})
