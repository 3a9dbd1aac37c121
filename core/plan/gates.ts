import { z } from 'zod'
import { metricNames } from '../metrics/metrics.ts'

const bound = z.number().min(-1e9).max(1e9)

/**
 * A condition on the candidate, fixed before the run. Exactly one of:
 * `min` and `max` bound the metric itself; `maxDrop` bounds how much worse it may be than the version in use
 * (the holder of `publish.alias`), which is evaluated anew on the same rows in the same round.
 */
export const gateSchema = z
  .strictObject({
    id: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,100}$/)
      .optional(),
    metric: z.enum(metricNames),
    /** `pooled`: over the held-out rows of all clients together. `worst-client`: the worst single client. */
    on: z.enum(['pooled', 'worst-client']).default('pooled'),
    min: bound.optional(),
    max: bound.optional(),
    maxDrop: bound.optional(),
  })
  .refine(({ min, max, maxDrop }) => [min, max, maxDrop].filter((value) => value !== undefined).length === 1, {
    message: 'a gate has exactly one of min, max and maxDrop',
  })
export type Gate = z.infer<typeof gateSchema>

/** Ends the training before its last round. What came out then goes before the gates as always. */
export const earlyStopSchema = z.strictObject({
  /** Pooled, as the gates see it. */
  metric: z.enum(metricNames),
  /** Evaluated rounds without improvement after which the run goes to its gates. */
  rounds: z.number().int().min(1).max(1_000_000),
  /** What counts as an improvement over the best round so far. */
  minDelta: z.number().min(0).max(1e9).default(0),
})
export type EarlyStop = z.infer<typeof earlyStopSchema>

export const publishSchema = z.strictObject({
  /** The alias that moves to the new version. */
  alias: z
    .string()
    .regex(/^(?!latest$|v\d+$)[a-z0-9_-]{1,100}$/, 'an alias of small letters, digits, dashes; not `latest` or `v1`')
    .default('production'),
  /** Which evaluated round's model goes before the gates: the last, or the best by one pooled metric. */
  select: z.union([z.literal('last'), z.strictObject({ best: z.enum(metricNames) })]).default('last'),
})
