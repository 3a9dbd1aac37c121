import { z } from 'zod'
import { durationSchema } from './duration.ts'
import { oneOf } from './model.ts'

const share = z.number().min(0).lt(0.9)
const multiplier = z
  .number()
  .gt(0)
  .max(1_000)
  .describe('standard deviation of the noise over the sensitivity of the sum')

const flat = z.strictObject({
  norm: z.number().gt(0).max(1e6).describe('largest Euclidean norm of an update; a longer one is scaled down to it'),
})

/** DP-SGD: Abadi et al., Deep Learning with Differential Privacy, CCS 2016; what it means in a round is in record-privacy.ts. */
const records = z.strictObject({
  clip: z
    .number()
    .gt(0)
    .max(1e6)
    .describe('largest Euclidean norm of the gradient of one row; a longer one is scaled down to it'),
  // With less, ε is in the tens of thousands, and its accounting without an end.
  multiplier: z
    .number()
    .min(0.1)
    .max(1_000)
    .describe('standard deviation of the noise over clip, on the sum of the gradients of a batch'),
  delta: z
    .number()
    .gt(0)
    .lt(1)
    .default(1e-5)
    .describe('δ at which ε is told; far below one over the rows of a client, which declines where it is not'),
  epsilon: z
    .number()
    .gt(0)
    .max(1_000)
    .optional()
    .describe('most that a run may cost the rows of one client, which declines rounds beyond; absent is no limit'),
})

/** Andrew et al., Differentially Private Learning with Adaptive Clipping, NeurIPS 2021. */
const adaptive = z.strictObject({
  quantile: z.number().gt(0).lt(1).default(0.5).describe('share of the updates that should be left as they are'),
  initial: z.number().gt(0).max(1e6).default(0.1).describe('norm of the first round'),
  rate: z.number().gt(0).max(1).default(0.2).describe('how fast the norm follows'),
})

/**
 * What is kept from whom, and how.
 *
 * - `mode: sealed`: updates are sealed for the coordinator, which sees each of them and can use any rule;
 * - `mode: masked`: the coordinator learns sums over clients and nothing else about one update (SecAgg+, docs/threat-model.md).
 */
export const privacySchema = z.strictObject({
  mode: z.enum(['sealed', 'masked']).default('sealed'),
  /** Masked: what the protocol withstands. Who may drop out, and who may work together with the coordinator. */
  threshold: z
    .strictObject({
      dropout: share.default(0.1).describe('share of the cohort that may drop out'),
      corrupt: share.default(0).describe('share of the cohort that may collude with the coordinator'),
      server: z
        .enum(['semi-honest', 'semi-malicious', 'malicious'])
        .default('semi-malicious')
        .describe('what the coordinator may do: look; lie once keys are collected; lie always'),
    })
    .optional(),
  /** Masked: one sum for each bucket of clients, drawn in the open; the rule works on the buckets' means. */
  buckets: z
    .strictObject({
      size: z.int().min(2).max(10_000).describe('fewest clients in a bucket'),
      survivors: z
        .int()
        .min(2)
        .max(10_000)
        .optional()
        .describe('fewest with which it is opened; absent is all but a third'),
    })
    .optional(),
  /** Masked: how updates become integers. */
  encoding: z
    .strictObject({
      range: z
        .number()
        .gt(0)
        .max(100)
        .optional()
        .describe('coordinates beyond ± this are cut; absent follows from clip, else 4'),
      bits: z
        .int()
        .min(4)
        .max(24)
        .optional()
        .describe('bits of a coordinate; absent is as many as the sum has room for'),
      maxWeight: z
        .int()
        .min(2)
        .max(100_000)
        .optional()
        .describe('cap of the sample weight, where the mean weighs by samples; absent is 1000'),
    })
    .optional(),
  /** Masked: how long clients have for each step but the training. */
  steps: durationSchema.optional(),
  clip: oneOf({ flat, adaptive }).optional(),
  /** Who adds noise: the coordinator to the sum, every client its part before masking, every client all of it. */
  noise: oneOf({
    central: z.strictObject({ multiplier }),
    distributed: z.strictObject({ multiplier }),
    local: z.strictObject({ multiplier }),
  }).optional(),
  /** Every client trains so that what it sends hides each of its training rows, from whoever gets it. */
  records: records.optional(),
  /** The run ends before a round that would spend more. */
  budget: z
    .strictObject({
      epsilon: z.number().gt(0).max(1_000),
      delta: z.number().gt(0).lt(1).describe('far below one over the number of people, or clients, that are protected'),
    })
    .optional(),
})
export type Privacy = z.infer<typeof privacySchema>
export type MaskedPrivacy = Privacy & { readonly mode: 'masked' }

/** What is lost in quantisation is far below this in trained updates, and a coordinate beyond it means that training diverged. */
export const DEFAULT_RANGE = 4
export const DEFAULT_STEP_TIME = '1m'
export const DEFAULT_MAX_WEIGHT = 1_000

/** Fewest survivors with which a bucket is opened. */
export function bucketSurvivors({ size, survivors }: NonNullable<Privacy['buckets']>): number {
  return survivors ?? Math.max(2, Math.ceil((2 * size) / 3))
}
