import { z } from 'zod'
import { ParleyError } from '../../errors/index.ts'
import { figure } from '../figure.ts'
import { squaredDistance } from '../gram.ts'
import { attackers, minority } from '../options.ts'
import { smallest } from '../order.ts'
import { defineRule, meanOf } from '../rule.ts'

const options = z.strictObject({
  f: attackers,
  trusted: z.string().min(1).max(100).describe('id of the client whose updates are trusted'),
})

/**
 * MoNNA: the mean of the n − f updates nearest to a trusted one, which is itself among them. As good as that client's
 * honesty.
 * Farhadkhani, Guerraoui, Gupta, Hoang, Pinot and Stephan, Robust collaborative learning with linear gradient overhead,
 * ICML 2023.
 */
export const monna = defineRule<z.output<typeof options>>({
  options,
  breakdown: (n) => minority(n),
  condition: '2f < n and the trusted client honest',
  attackers: ({ f }) => f,
  usesGram: true,
  perClient: true,
  decide(input, { f, trusted: id }) {
    const trusted = input.clients.indexOf(id)
    if (trusted < 0) {
      throw new ParleyError('round.aggregation-failed', `no update came from ${id}, which the rule is to trust`)
    }
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
