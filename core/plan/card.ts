import { z } from 'zod'

const text = z.string().trim().min(1).max(20_000)
const prose = z.union([text, z.array(text).min(1).max(100)])

/**
 * What the model card says and nobody but its author knows. A plan may leave it out, and then the card says so; one that has
 * it has all of it.
 */
export const cardSchema = z.strictObject({
  summary: prose,
  intendedUse: prose,
  notIntended: prose,
  dataDescription: prose,
  dataPeriod: text,
  limits: prose,
  ethics: prose,
  contact: prose,
  withdrawal: prose,
  changes: prose,
  /** An identifier of Hugging Face's list of licences; `other` needs a name. */
  license: z
    .strictObject({ id: text, name: text.optional(), link: text.optional() })
    .refine(({ id, name }) => id !== 'other' || name !== undefined, { message: 'the licence `other` needs a name' }),
  /** ISO 639-1. */
  language: z
    .array(z.string().regex(/^[a-z]{2}$/))
    .max(100)
    .optional(),
  tags: z.array(text).max(100).optional(),
  datasets: z.array(text).max(100).optional(),
  task: z.strictObject({ type: text, name: text }).optional(),
})
export type Card = z.infer<typeof cardSchema>
