import { z } from 'zod'
import type { RuleName } from '../../core/aggregation/registry.ts'
import { rules } from '../../core/aggregation/registry.ts'
import { oneOf } from '../../core/plan/model.ts'
import { digestField, keyField } from '../../core/run/fields.ts'
import { engineNames } from '../training/engine-names.ts'
import { isZone, parseHours } from './hours.ts'
import { isDay, isInstant } from './instants.ts'
import { sizeSchema } from './size.ts'

const text = z.string().min(1).max(10_000)
const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'a name of letters, digits, dots, dashes, underscores')
const path = z.string().min(1).max(4_096)
const count = z.int().min(1).max(1_000_000_000)
const date = z
  .string()
  .refine(
    (value) => isDay(value) || isInstant(value),
    'a day such as 2027-01-31, or a time such as 2027-01-31T12:00:00Z',
  )

const validity = z.strictObject({ from: date.optional(), until: date.optional() })

const rows = z.strictObject({
  train: count.describe('fewest training rows'),
  heldOut: count.describe('fewest held-out rows'),
})

const dataSet = oneOf(
  { csv: path, idx: z.strictObject({ images: path, labels: path }) },
  {
    columns: z.array(z.string().min(1).max(200)).min(1).max(100_000).optional().describe('all that a plan may name'),
    rows,
  },
)

/** What a study with `allow` must say of a plan; what it does not name, it does not allow. */
const allowSchema = z.strictObject({
  names: z.array(name).min(1).max(1_000).describe('names of plans that this study is for'),
  models: z.array(z.enum(['logistic', 'linear', 'mlp', 'cnn', 'layers'])).min(1),
  maxParameters: count,
  modes: z.array(z.enum(['sealed', 'masked'])).min(1),
  counts: z
    .array(z.enum(['clear', 'masked']))
    .min(1)
    .describe('who may see evaluation counts'),
  rules: z.union([z.literal('robust'), z.array(z.enum(Object.keys(rules) as [RuleName, ...RuleName[]])).min(1)]),
  maxRounds: z.int().min(1).max(1_000_000),
  minCohort: z.int().min(1).max(100_000).describe('fewest clients of a round, and fewest updates that make a model'),
  minGroup: z.int().min(5).max(1_000_000).optional().describe('absent: no counts of groups of rows'),
  clip: z
    .strictObject({ max: z.number().gt(0).max(1e6) })
    .optional()
    .describe('absent: not asked for'),
  noise: z
    .strictObject({ by: z.array(z.enum(['central', 'distributed', 'local'])).min(1), multiplier: z.number().gt(0) })
    .optional()
    .describe('absent: not asked for'),
  records: z
    .strictObject({ multiplier: z.number().gt(0) })
    .optional()
    .describe('least noise by which a plan must hide single rows; absent: not asked for'),
  start: z
    .strictObject({
      new: z.boolean().default(false),
      versions: z.array(name).max(1_000).default([]).describe('models whose versions a run may start from'),
      files: z.array(digestField).max(1_000).default([]).describe('SHA-256 of files a run may start from'),
    })
    .default({ new: true, versions: [], files: [] }),
})

const hours = z
  .string()
  .max(200)
  .refine(
    (value) => parseHours(value) !== undefined,
    'hours such as "22:00-05:00 Europe/Zurich" or "mon-fri 22:00-05:00 UTC"',
  )

const study = oneOf(
  {
    plans: z.array(digestField).min(1).max(10_000).describe('digests of plans, as `parley plan check` prints them'),
    allow: allowSchema,
  },
  {
    purpose: text.optional(),
    coordinators: z.array(name).min(1).max(100),
    data: name,
    valid: validity.optional(),
    review: z.enum(['never', 'always']).default('never'),
    engines: z.array(z.enum(engineNames)).min(1).optional(),
    hours: z.array(hours).min(1).max(100).optional().describe('when a round may begin; absent: at any time'),
    perDay: z
      .strictObject({ rounds: count.optional(), bytes: sizeSchema.optional() })
      .optional()
      .describe('most that this client does in a day, over all studies, when a round of this one begins'),
  },
)

/** What an institution allows. Every key is known, and what is not named is not allowed. */
export const policySchema = z.strictObject({
  /** Version of this format. */
  policy: z.literal(1),
  purpose: text.optional(),
  valid: validity.optional(),
  /** Where a day begins, for `perDay`. */
  timeZone: z.string().max(100).refine(isZone, 'a time zone such as Europe/Zurich or UTC').default('UTC'),
  /** Coordinators by a name of one's own, with their keys. */
  coordinators: z.record(name, keyField).default({}),
  /** How many people must approve a plan that is held. */
  approvals: z.int().min(1).max(10).default(1),
  /** Who may, besides the key that signs the policy. */
  approvers: z.record(name, keyField).default({}),
  data: z.record(name, dataSet).default({}),
  /** What this client may spend in its life. */
  privacy: z.strictObject({ epsilon: z.number().gt(0).max(1_000), delta: z.number().gt(0).lt(1) }).optional(),
  /** What each training row may cost in its life, in plans that hide single rows; plans that hide none are then refused. */
  records: z.strictObject({ epsilon: z.number().gt(0).max(1_000), delta: z.number().gt(0).lt(1) }).optional(),
  resources: z
    .strictObject({
      cpuShare: z
        .number()
        .min(0.01)
        .max(1)
        .optional()
        .describe('share of the time in which it trains; it rests in between'),
      memory: sizeSchema.optional().describe('largest resident memory of the process while it works on a task'),
    })
    .optional(),
  studies: z.record(name, study).default({}),
})

export type Policy = z.output<typeof policySchema>
export type Study = Policy['studies'][string]
export type Allow = z.output<typeof allowSchema>
export type PolicyData = Policy['data'][string]
export type Resources = NonNullable<Policy['resources']>
