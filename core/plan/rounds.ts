import { z } from 'zod'
import { durationMs, durationSchema } from './duration.ts'
import { groupsSchema, minGroupSchema } from './groups.ts'

const clientCount = z.number().int().min(1).max(100_000)

/**
 * When a phase of a round ends: with `count.max` at once, from `time.min` on with `count.min`, and at `time.max` in any
 * case, then failing below `count.min`. It also ends early when nobody is left who could still answer.
 */
export const windowSchema = z
  .strictObject({
    count: z.strictObject({ min: clientCount, max: clientCount }),
    time: z.strictObject({ min: durationSchema.default('0s'), max: durationSchema.default('30m') }).prefault({}),
  })
  .refine(({ count }) => count.min <= count.max, { message: 'count.min is above count.max', path: ['count', 'min'] })
  .refine(({ time }) => durationMs(time.min) <= durationMs(time.max), {
    message: 'time.min is above time.max',
    path: ['time', 'min'],
  })
export type Window = z.infer<typeof windowSchema>

export const cohortSchema = z.strictObject({
  /** How many more clients are asked than `window.count.max`, as a share of it: 0.25 asks five for four. */
  overselect: z.number().min(0).max(4).default(0),
  /**
   * Fewest connected clients from which a cohort is drawn, all equally likely; below that a round waits. With central noise it
   * says how seldom a client is drawn, and a round costs less privacy.
   */
  population: clientCount.optional(),
})

export const evaluationSchema = z.strictObject({
  /** Every how many rounds the new model is evaluated; the last round's always is. */
  every: z.number().int().min(1).max(1_000_000).default(1),
  window: z
    .strictObject({
      time: z.strictObject({ min: durationSchema.default('5s'), max: durationSchema.default('10m') }).prefault({}),
      /** Fewest clients whose evaluation is needed. */
      count: z.strictObject({ min: clientCount }).default({ min: 1 }),
    })
    .prefault({}),
  /**
   * Who sees the counts of one client: the coordinator (`clear`, which is the default), or nobody (`masked`: the coordinator learns
   * their sum, by the same protocol and thresholds as that of masked updates).
   */
  counts: z.enum(['clear', 'masked']).optional(),
  /** Groups of held-out rows that clients count by themselves, for gates with `groupBy`. */
  groups: groupsSchema.default({}),
  /** Held-out rows that a group of a client must have: counts of fewer stay with the client. */
  minGroup: minGroupSchema.default(20),
  /** So many of the best and of the worst clients, by the metric of a gate, are left out of what it pools. */
  trim: z.int().min(0).max(10_000).default(0),
  /**
   * How often candidates of this model may be evaluated on the same rows of the coordinator’s, over all runs; by default as
   * often as runs ask for it.
   */
  holdoutLooks: z.int().min(1).max(1_000_000).optional(),
})
