import { z } from 'zod'
import { byteCountField, digestField, idField, keyField, roundField } from './fields.ts'

/** A model file in the blob store: safetensors whose data section is the flat vector in layout order. */
const modelRefSchema = z.strictObject({ digest: digestField, bytes: byteCountField })
export type ModelRef = z.infer<typeof modelRefSchema>

const common = {
  v: z.literal(1),
  run: idField,
  round: roundField,
  rounds: roundField,
  /** The effective plan in canonical JSON; a blob. */
  plan: z.strictObject({ digest: digestField, bytes: byteCountField }),
  /** SHA-256 of the layout that all models of this round have. */
  layout: digestField,
  parameters: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
  /** Clients in the cohort. */
  cohort: z.number().int().min(1).max(1_000_000),
}

const trainSchema = z.strictObject({
  ...common,
  kind: z.literal('train'),
  mode: z.enum(['sealed', 'masked']),
  model: modelRefSchema,
  /** Largest Euclidean norm of an update, where the plan clips. */
  clip: z.number().positive().finite().optional(),
  /** Mode masked: coordinates of a masked update, which are the parameters and what is counted with them. */
  coordinates: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER).optional(),
  /** X25519 public key for which updates of this round are sealed. */
  roundKey: keyField,
})

const evaluateSchema = z.strictObject({
  ...common,
  kind: z.literal('evaluate'),
  /** The candidate first; then, where a gate compares with it, the version in use. */
  models: z.array(modelRefSchema).min(1).max(2),
  /** There where counts are masked: the lanes that they take. */
  lanes: z
    .number()
    .int()
    .min(1)
    .max(2 ** 20)
    .optional(),
})

/** What the coordinator signs and a client checks before it does anything: the payload of a `Task`. */
export const roundConfigurationSchema = z.discriminatedUnion('kind', [trainSchema, evaluateSchema])
export type RoundConfiguration = z.infer<typeof roundConfigurationSchema>
export type TrainConfiguration = z.infer<typeof trainSchema>
export type EvaluateConfiguration = z.infer<typeof evaluateSchema>
