import { z } from 'zod'
import { clipFactor } from '../clipping.ts'
import { squaredDistancesTo } from '../gram.ts'
import { given } from '../guard.ts'
import { attackers, minority } from '../options.ts'
import { defineRule } from '../rule.ts'

const options = z.strictObject({
  f: attackers.optional(),
  /** τ: how far one update may draw the result, in each iteration and divided by n. */
  radius: z.number().positive().max(1e15).default(100),
  iterations: z.int().min(1).max(1000).default(1),
})

/**
 * Centred clipping: starts from the last round's aggregate v and moves it L times by the mean of the clipped differences,
 *   v ← v + (1/n)·Σ min(1, τ/‖xᵢ − v‖)·(xᵢ − v).
 * Karimireddy, He and Jaggi, Learning from history for Byzantine robust optimization, ICML 2021. Proven for f up to about
 * n/10; what f attackers can do in a round is at most L·τ·f/n.
 */
export const centeredClipping = defineRule<z.output<typeof options>>({
  options,
  breakdown: minority,
  condition: '2f < n',
  attackers: ({ f }) => f,
  usesGram: true,
  extra: 'center',
  decide({ gram, n, extra }, { radius, iterations }) {
    const coefficients = new Float64Array(gram.size)
    coefficients[given(extra.center, 'center')] = 1
    for (let iteration = 0; iteration < iterations; iteration++) {
      const squares = squaredDistancesTo(gram, coefficients)
      const factors = squares.subarray(0, n).map((square) => clipFactor(Math.sqrt(square), radius))
      const stays = 1 - factors.reduce((sum, factor) => sum + factor, 0) / n
      for (let a = 0; a < gram.size; a++) {
        coefficients[a] = (coefficients[a] as number) * stays + (factors[a] ?? 0) / n
      }
    }
    return { kind: 'combination', coefficients, leftOut: [] }
  },
})
