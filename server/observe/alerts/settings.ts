import { z } from 'zod'
import { durationMs, durationSchema } from '../../../core/plan/duration.ts'

const duration = (usual: string) => durationSchema.default(usual).transform(durationMs)
const share = (usual: number) => z.number().min(0).max(1).default(usual)
const count = (usual: number) => z.number().int().min(1).default(usual)

/** `off`, or thresholds; what is left out is as usual. */
const rule = <const Shape extends z.ZodRawShape>(shape: Shape) =>
  z.union([z.literal('off'), z.strictObject(shape)]).prefault({} as never)

/** Thresholds of each alert. Times are durations with a unit, shares are from 0 to 1. */
export const alertRulesSchema = z.strictObject({
  /** `wait`: how long a run may wait for clients before a round opens. */
  'round-no-quorum': rule({ wait: duration('30m') }),
  /** `share` of the cohort, at the end of a round or past `window` of the time that it may take. */
  'round-stragglers': rule({ share: share(0.34), window: share(0.8) }),
  /** At least `count` refusals in a round, and at least `share` of what came. */
  'updates-refused': rule({ count: count(3), share: share(0.25) }),
  'gates-failed': rule({}),
  'run-failed': rule({}),
  /** Median of the last round above `factor` times the median of the `rounds` or more before it, and far out of their spread. */
  'norm-drift': rule({ factor: z.number().min(1).default(2), rounds: count(5) }),
  'privacy-budget': rule({ share: share(0.8) }),
  'certificate-ends': rule({ warning: duration('21d'), critical: duration('3d') }),
  'disk-low': rule({
    bytes: z
      .number()
      .int()
      .min(0)
      .default(2 * 2 ** 30),
  }),
  'audit-failing': rule({}),
  'store-failing': rule({}),
  'rollout-rolled-back': rule({}),
})

export type AlertRules = z.output<typeof alertRulesSchema>

export const usualRules: AlertRules = alertRulesSchema.parse({})
