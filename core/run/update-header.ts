import { z } from 'zod'
import { byteCountField, digestField, idField, keyField, roundField } from './fields.ts'

/** The shortest text that reads as the same double. */
const decimal = z.string().regex(/^[0-9][0-9.e+-]{0,39}$/)

/** What a client signs about its update: the payload of an `UploadOpen`. Numbers get their meaning, and their bounds, later. */
export const updateHeaderSchema = z.strictObject({
  // In the order of canonical JSON: what is read so is written so without another look.
  /** Length of the sealed update. */
  bytes: byteCountField,
  client: idField,
  /** SHA-256 of the model's layout. */
  layout: digestField,
  /** Mean training loss of the last epoch as a decimal number; it informs and decides nothing. */
  loss: z.string().regex(/^-?[0-9.e+-]{1,40}$/),
  mode: z.enum(['sealed', 'masked']),
  /** SHA-256 of the model file that was trained from. */
  model: digestField,
  /** The client's one-time X25519 public key. */
  oneTimeKey: keyField,
  /** Of a plan with record-level privacy: (ε, δ) of this client's rows, as decimal numbers. Then `loss` is 0, as it would tell of them. */
  records: z
    .strictObject({
      delta: decimal,
      /** Of all rounds of this run that the client has paid for, this one and repeated ones included. */
      epsilon: decimal,
      /** Of this round by itself. */
      epsilonOfRound: decimal,
    })
    .optional(),
  round: roundField,
  run: idField,
  /** Training rows: the sample weight of the update. Mode masked says nothing here: 1 row, 0 steps, a loss of 0. */
  samples: z.number(),
  /** SHA-256 of the sealed update. */
  sha256: digestField,
  steps: z.number().int().min(0),
  /** Where the norm of the plan's clipping adapts: whether the update was within it. Mode masked counts these in the sum. */
  unclipped: z.boolean().optional(),
  v: z.literal(1),
  /** Mode masked: SHA-256 of the masked vector that was sealed. */
  vector: digestField.optional(),
})
export type UpdateHeader = z.infer<typeof updateHeaderSchema>
export type RecordsHeader = NonNullable<UpdateHeader['records']>
