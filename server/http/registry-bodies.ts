import { z } from 'zod'
import { aliasField } from '../../core/attestation/alias-record.ts'
import { rolloutSchema } from '../../core/attestation/canary.ts'
import { tagKeyField, tagValueField } from '../../core/release/tags.ts'
import { idField } from '../../core/run/fields.ts'

const number = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER)
/** Whoever asks is the actor; a body may say so again. */
const actor = idField.optional()
const said = {
  reason: z.string().trim().min(1).max(2_000),
  actor,
}
const expect = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional()

/** Bodies of what operators ask of the registry. */
export const registryBodies = {
  promote: z.strictObject({ ...said, expect, version: number, rollout: rolloutSchema.optional() }),
  rollback: z.strictObject({ ...said, expect, to: number.optional() }),
  garbage: z.strictObject({ before: z.iso.datetime(), dryRun: z.boolean() }),
  tag: z.strictObject({ key: tagKeyField, value: tagValueField.nullable(), actor }),
  state: z.strictObject({ ...said, state: z.enum(['in-use', 'deprecated', 'withdrawn']) }),
} as const

/** What operators ask of a rollout. */
export const rolloutBodies = {
  apply: z.strictObject({ alias: aliasField.default('production'), actor, expect }),
} as const
