import { z } from 'zod'
import type { Moments } from './vectors.ts'
import { normOf } from './vectors.ts'

export const perturbationOptions = z.strictObject({
  direction: z
    .enum(['deviation', 'unit', 'sign'])
    .default('deviation')
    .describe('in which the honest mean is left: against the standard deviation, the mean itself, or its signs'),
})
export type PerturbationOptions = z.output<typeof perturbationOptions>

/** The direction −p in which Shejwalkar and Houmansadr leave the mean: p is σ, μ/‖μ‖ (zero for μ = 0) or sign(μ). */
export function perturbation({ mean, deviation }: Moments, { direction }: PerturbationOptions): Float64Array {
  switch (direction) {
    case 'deviation':
      return deviation
    case 'unit': {
      const length = normOf(mean)
      return length === 0 ? new Float64Array(mean.length) : mean.map((value) => value / length)
    }
    case 'sign':
      return mean.map(Math.sign)
  }
}
