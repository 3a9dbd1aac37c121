import { z } from 'zod'

export const aggregationSchema = z.strictObject({
  rule: z
    .strictObject({
      mean: z.strictObject({
        /** `samples` weighs each update by its training rows, capped by the screens; `equal` gives each the same weight. */
        weights: z.enum(['equal', 'samples']).default('equal'),
      }),
    })
    .prefault({ mean: {} }),
  screens: z
    .strictObject({
      /** Largest Euclidean norm of an update. */
      maxNorm: z.number().positive().max(1e15).default(1000),
      /** Largest sample weight; an update that declares more is refused, not capped. */
      maxSampleWeight: z.number().int().min(1).max(1_000_000_000).default(1_000_000),
    })
    .prefault({}),
  server: z
    .strictObject({
      average: z.strictObject({
        /** Share of the aggregated update that is added to the weights. */
        learningRate: z.number().positive().max(100).default(1),
      }),
    })
    .prefault({ average: {} }),
})
export type Aggregation = z.infer<typeof aggregationSchema>
