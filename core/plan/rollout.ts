import { z } from 'zod'
import { durationSchema } from './duration.ts'
import { wordOf } from './words.ts'

/** What consumers count of a version in use, and two versions are compared by. */
export const rolloutMetricNames = ['error-rate', 'accuracy', 'recall', 'good-rate', 'p95-latency'] as const
export type RolloutMetricName = (typeof rolloutMetricNames)[number]

/** All consumers, in basis points. */
const ALL = 10_000

/** Two bins of the grid of latencies, 10^(2/40) − 1 = 0.122: a smaller margin could never be shown. */
export const SMALLEST_LATENCY_MARGIN = 0.13

const metricSchema = z
  .strictObject({
    metric: wordOf(rolloutMetricNames, 'metric of a rollout'),
    margin: z
      .number()
      .gt(0)
      .max(10)
      .describe('how much worse the new version may be: of rates as a difference, of p95-latency as a share of it'),
  })
  .check(({ value, issues }) => {
    const wrong = (message: string) => issues.push({ code: 'custom', message, path: ['margin'], input: value })
    if (value.metric === 'p95-latency') {
      if (value.margin < SMALLEST_LATENCY_MARGIN) {
        wrong(`never shown: latencies are counted in bins, so the margin is at least ${SMALLEST_LATENCY_MARGIN}`)
      }
    } else if (value.margin >= 1) wrong('a rate lies between 0 and 1: the margin is below 1')
  })

const stepsSchema = z
  .array(z.int().min(1).max(ALL))
  .min(2)
  .max(20)
  .refine((steps) => steps.every((step, i) => step > (steps[i - 1] ?? 0)), { message: 'the steps grow' })
  .refine((steps) => steps.at(-1) === ALL, { message: `the last step is ${ALL}: all consumers` })

/**
 * How a version comes into use where there is one already: beside it, for a growing share of the consumers, until their counts have
 * shown what it is worth. Fixed before the run, like the gates. docs/rollouts.md has the statistics.
 */
export const rolloutPlanSchema = z.strictObject({
  steps: stepsSchema.default([500, 2_500, ALL]).describe('shares of the consumers in basis points, the last one 10000'),
  minTime: durationSchema.default('1d').describe('at least so long at each step'),
  minOutcomes: z.int().min(1).max(1_000_000_000).default(200).describe('requests on each side at each step'),
  minConsumers: z.int().min(2).max(10_000).default(3).describe('consumers on each side, for each metric'),
  alpha: z
    .number()
    .gt(0)
    .max(0.5)
    .default(0.05)
    .describe('how probable a wrong decision may be, over the whole rollout'),
  metrics: z
    .array(metricSchema)
    .min(1)
    .max(rolloutMetricNames.length)
    .refine((metrics) => new Set(metrics.map(({ metric }) => metric)).size === metrics.length, {
      message: 'a metric stands twice',
    }),
  automatic: z
    .union([z.literal(false), z.enum(['rollback', 'both'])])
    .default('rollback')
    .describe('what the coordinator does by itself: nothing, go back, or also go on'),
})
export type RolloutPlan = z.output<typeof rolloutPlanSchema>
