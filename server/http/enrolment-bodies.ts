import { z } from 'zod'
import { durationSchema } from '../../core/plan/duration.ts'
import { idField } from '../../core/run/fields.ts'

const reason = z.string().trim().min(1).max(2_000)
const label = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .regex(/^[^\p{Cc}\p{Cf}]*$/u, 'no control characters')

/** What operators ask of the list of clients. */
export const enrolmentBodies = {
  invite: z.strictObject({ client: idField, label: label.optional(), lifetime: durationSchema.default('72h') }),
  approve: z.strictObject({ fingerprint: z.string().min(20).max(60) }),
  because: z.strictObject({ reason }),
  resume: z.strictObject({}),
  rename: z.strictObject({ label }),
} as const
