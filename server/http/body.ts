import type { z } from 'zod'
import { ParleyError } from '../../core/errors/index.ts'

/** A body of this form. Throws `request.invalid`, which names the member that is wrong and never repeats its value. */
export function bodyOf<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new ParleyError('request.invalid', `the body: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`)
}
