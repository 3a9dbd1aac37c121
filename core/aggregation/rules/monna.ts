import { z } from 'zod'
import { figure } from '../figure.ts'
import { squaredDistance } from '../gram.ts'
import { attackers, minority } from '../options.ts'
import { smallest } from '../order.ts'
import { defineRule, meanOf } from '../rule.ts'

const options = z.strictObject({
  f: attackers,
  /** The update that is trusted, by its place in the order of client ids. */
  trusted: z.int().min(0).max(100_000).default(0),
})

/**
 * MoNNA: the mean of the n − f updates nearest to a trusted one, which is itself among them. As good as that client's
 * honesty.
 * Farhadkhani, Guerraoui, Gupta, Hoang, Pinot and Stephan, Robust collaborative learning with linear gradient overhead,
 * ICML 2023.
 */
export const monna = defineRule<z.output<typeof options>>({
  options,
  breakdown: (n, { trusted }) => (trusted < n ? minority(n) : -1),
  condition: '2f < n, trusted < n and the trusted client honest',
  attackers: ({ f }) => f,
  usesGram: true,
  perClient: true,
  decide(input, { f, trusted }) {
    const distances = Float64Array.from({ length: input.n }, (_, i) =>
      // Before a twin at distance 0, which may have the lower index.
      i === trusted ? -1 : squaredDistance(input.gram, i, trusted),
    )
    const points = smallest(distances, input.n - f)
    const farthest = Math.max(0, ...points.map((point) => distances[point] as number))
    return meanOf(
      input,
      points,
      (point) =>
        `${figure(Math.sqrt(distances[point] as number))} from the trusted update, the kept ones within ${figure(Math.sqrt(farthest))}`,
    )
  },
})
