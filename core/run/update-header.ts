import { z } from 'zod'
import { byteCountField, digestField, idField, keyField, roundField } from './fields.ts'

/** What a client signs about its update: the payload of an `UploadOpen`. Numbers get their meaning, and their bounds, later. */
export const updateHeaderSchema = z.strictObject({
  v: z.literal(1),
  run: idField,
  round: roundField,
  client: idField,
  mode: z.enum(['sealed', 'masked']),
  /** The model file that was trained from, and its layout. */
  model: digestField,
  layout: digestField,
  /** The client's one-time X25519 public key. */
  oneTimeKey: keyField,
  /** Length and SHA-256 of the sealed update. */
  bytes: byteCountField,
  sha256: digestField,
  /** Mode masked: SHA-256 of the masked vector that was sealed. */
  vector: digestField.optional(),
  /** Where the norm of the plan's clipping adapts: whether the update was within it. Mode masked counts these in the sum. */
  unclipped: z.boolean().optional(),
  /** Training rows: the sample weight of the update. Mode masked says nothing here: 1 row, 0 steps, a loss of 0. */
  samples: z.number(),
  steps: z.number().int().min(0),
  /** Mean training loss of the last epoch as a decimal number; it informs and decides nothing. */
  loss: z.string().regex(/^-?[0-9.e+-]{1,40}$/),
})
export type UpdateHeader = z.infer<typeof updateHeaderSchema>
