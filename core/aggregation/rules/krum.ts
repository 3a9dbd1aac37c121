import type { z } from 'zod'
import { figure } from '../figure.ts'
import { squaredDistance } from '../gram.ts'
import { minority, withAttackers } from '../options.ts'
import { smallest } from '../order.ts'
import { type Combination, defineRule, meanOf, type RuleInput } from '../rule.ts'

/**
 * Krum: the one update whose n − f − 1 nearest others are nearest,
 *   argminᵢ sᵢ,  sᵢ = Σ ‖xᵢ − xⱼ‖² over the n − f − 1 nearest others j of i.
 * Blanchard, El Mhamdi, Guerraoui and Stainer, Machine learning with adversaries, NeurIPS 2017. The paper counts n − f − 2
 * neighbours; n − f − 1, as in Farhadkhani et al., ICML 2022, is what n − f honest clients are sure to have.
 */
export const krum = defineRule<z.output<typeof withAttackers>>({
  options: withAttackers,
  breakdown: (n) => minority(n) - 1,
  condition: '2f + 2 < n',
  attackers: ({ f }) => f,
  usesGram: true,
  decide: (input, { f }) => meanOfBest(input, f, 1),
})

/** The mean of the m points with the smallest Krum scores. */
export function meanOfBest(input: RuleInput, f: number, m: number): Combination {
  const scores = krumScores(input, f)
  const best = smallest(scores, m)
  const worst = Math.max(...best.map((point) => scores[point] as number))
  return meanOf(input, best, (point) => {
    const score = scores[point] as number
    return score > worst
      ? `score ${figure(score)} above ${figure(worst)}`
      : `score ${figure(score)} as others before it`
  })
}

/** For each point the sum of the squared distances to its n − f − 1 nearest others. */
export function krumScores({ gram, n }: Pick<RuleInput, 'gram' | 'n'>, f: number): Float64Array {
  const scores = new Float64Array(n)
  for (let i = 0; i < n; i++) {
    // Without the point itself: a twin at distance 0 is a neighbour like any other.
    const others = Float64Array.from({ length: n - 1 }, (_, j) => squaredDistance(gram, i, j < i ? j : j + 1)).sort()
    let sum = 0
    for (let k = 0; k < n - f - 1; k++) sum += others[k] as number
    scores[i] = sum
  }
  return scores
}
