import { z } from 'zod'
import { byteCountField, digestField, idField, keyField, roundField } from './fields.ts'

/** What a client signs about its update: the payload of an `UploadOpen`. Numbers get their meaning, and their bounds, later. */
export const updateHeaderSchema = z.strictObject({
  v: z.literal(1),
  run: idField,
  round: roundField,
  client: idField,
  mode: z.literal('sealed'),
  /** The model file that was trained from, and its layout. */
  model: digestField,
  layout: digestField,
  /** The client's one-time X25519 public key. */
  oneTimeKey: keyField,
  /** Length and SHA-256 of the sealed update. */
  bytes: byteCountField,
  sha256: digestField,
  /** Training rows: the sample weight of the update. */
  samples: z.number(),
  steps: z.number().int().min(0),
  /** Mean training loss of the last epoch as a decimal number; it informs and decides nothing. */
  loss: z.string().regex(/^-?[0-9.e+-]{1,40}$/),
})
export type UpdateHeader = z.infer<typeof updateHeaderSchema>
