import { z } from 'zod'
import { attackers, minority } from '../options.ts'
import { defineRule } from '../rule.ts'
import { weightedMean, weiszfeld } from '../weiszfeld.ts'

const options = z.strictObject({
  f: attackers.optional(),
  /** ν: distances below it count as ν, so that an update on the median does not draw everything to itself. */
  smoothing: z.number().positive().max(1e6).default(0.1),
  iterations: z.int().min(1).max(1000).default(3),
  /** `zero`, or `mean` as RFA does, which then also ends as soon as the objective settles. */
  start: z.enum(['zero', 'mean']).default('zero'),
  /** `samples` weighs each update by its training rows; then f counts weight, not heads. */
  weights: z.enum(['equal', 'samples']).default('equal'),
})

/**
 * Geometric median: the vector w with the least Σ aᵢ·‖xᵢ − w‖, by T steps of the smoothed Weiszfeld iteration
 *   w ← Σ βᵢ·xᵢ / Σ βᵢ,  βᵢ = aᵢ / max(ν, ‖xᵢ − w‖).
 * Pillutla, Kakade and Harchaoui, Robust aggregation for federated learning (RFA), IEEE Transactions on Signal Processing
 * 70, 2022: there it starts from the weighted mean, with weights `samples`, ν = 10⁻⁵ and T = 4. From the mean one huge
 * update costs many steps to get back; the start at zero is as good as the norm of the honest updates.
 */
export const geometricMedian = defineRule<z.output<typeof options>>({
  options,
  breakdown: minority,
  condition: '2f < n',
  attackers: ({ f }) => f,
  usesGram: true,
  decide(input, { smoothing, iterations, start, weights: by }) {
    const { gram, n, samples } = input
    const weights = samples.map((count) => (by === 'samples' ? count : 1))
    const coefficients = weiszfeld(input, {
      weights,
      start: start === 'mean' ? weightedMean(gram.size, n, weights) : new Float64Array(gram.size),
      smoothing,
      iterations,
      untilSettled: start === 'mean',
    })
    return { kind: 'combination', coefficients, leftOut: [] }
  },
})
