import { z } from 'zod'
import type { RuleTable } from '../aggregation/rule.ts'
import { aggregationSchema, aggregationSchemaOf } from './aggregation.ts'
import { cardSchema } from './card.ts'
import { dataSchema } from './data.ts'
import { earlyStopSchema, gatesSchema, publishSchema } from './gates.ts'
import { modelSchema } from './model.ts'
import { privacySchema } from './privacy.ts'
import { cohortSchema, evaluationSchema, windowSchema } from './rounds.ts'
import { startSchema } from './start.ts'
import { trainingSchema } from './training.ts'

/**
 * The plan: what is trained, how, by whom, under which privacy, and what a result must show before it is published.
 * One format for production and simulation. Unknown keys are errors.
 */
export const planSchema = z.strictObject({
  /** Version of this format. */
  parley: z.literal(1),
  /** Name of the model that the plan makes versions of. */
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,99}$/, 'a name of small letters, digits, dots, dashes, underscores'),
  description: z.string().max(10_000).optional(),
  model: modelSchema,
  /** Without it the weights are new ones, which follow from the seed. */
  start: startSchema.optional(),
  data: dataSchema,
  training: trainingSchema,
  /** Everything random follows from it: initial weights, batches. Cohorts do not: nobody may foresee them. */
  seed: z.number().int().min(0).max(0xffff_ffff).default(1),
  rounds: z.number().int().min(1).max(1_000_000),
  cohort: cohortSchema.prefault({}),
  window: windowSchema,
  privacy: privacySchema.prefault({}),
  aggregation: aggregationSchema.prefault({}),
  evaluation: evaluationSchema.prefault({}),
  stop: earlyStopSchema.optional(),
  /** A plan without gates trains, and publishes nothing. */
  gates: gatesSchema.default([]),
  publish: publishSchema.prefault({}),
  card: cardSchema.optional(),
})

/** The schema of plans that may name other rules than the registry's; undefined: the registry's. */
export function planSchemaOf(rules: RuleTable | undefined): typeof planSchema {
  if (rules === undefined) return planSchema
  return planSchema.extend({ aggregation: aggregationSchemaOf(rules).prefault({}) })
}

/** The effective plan: with every default filled in. Parsing it again gives the same plan. */
export type Plan = z.infer<typeof planSchema>

/** How many clients are asked in a round. */
export function cohortSize(plan: Plan): number {
  return Math.ceil(plan.window.count.max * (1 + plan.cohort.overselect))
}

/** The schema for editors, as they read YAML: what a person writes, before defaults. */
export function planJsonSchema(schema: z.ZodType = planSchema): object {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
}
