import type { z } from 'zod'
import { toHex } from '../../encoding/bytes.ts'
import { type Refusal, refuse } from '../refusal.ts'

/** A broadcast of the expected kind for this session, or why it is none. */
export function inbound<Schema extends z.ZodType<{ config: string }>>(
  schema: Schema,
  value: unknown,
  configHash: Uint8Array,
): { readonly ok: true; readonly value: z.infer<Schema> } | { readonly ok: false; readonly refusal: Refusal } {
  const parsed = schema.safeParse(value)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    return { ok: false, refusal: refuse('malformed', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`) }
  }
  if (parsed.data.config !== toHex(configHash)) return { ok: false, refusal: refuse('wrong-session') }
  return { ok: true, value: parsed.data }
}
