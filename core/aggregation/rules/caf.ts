import type { z } from 'zod'
import { mainDirection } from '../covariance.ts'
import { minority, withAttackers } from '../options.ts'
import { upTo } from '../order.ts'
import { defineRule, type RuleInput } from '../rule.ts'

/**
 * Covariance-bound agnostic filter: trusts all points at first, and as long as Σ cᵢ > n − 2f takes trust from those that lie
 * far out along the direction of greatest spread,
 *   p = c/Σc,  (λ, v) the top eigenpair of the covariance weighted by p,  tᵢ = ⟨xᵢ − μ, v⟩²,  cᵢ ← cᵢ·(1 − tᵢ/max t);
 * the result is the mean under the p whose λ was smallest. The maximum counts a point whose trust is gone for one more step
 * and then no longer: far out, it would keep all others from losing any, and the loop from ending.
 * Allouah, Guerraoui and Stephan, Towards trustworthy federated learning with untrusted participants, ICML 2025.
 */
export const caf = defineRule<z.output<typeof withAttackers>>({
  options: withAttackers,
  breakdown: minority,
  condition: '2f < n',
  attackers: ({ f }) => f,
  usesGram: true,
  searches: true,
  decide(input, { f }) {
    const weights = filteredWeights(input, f)
    const coefficients = new Float64Array(input.gram.size)
    coefficients.set(weights)
    const leftOut = upTo(input.n)
      .filter((point) => weights[point] === 0)
      .map((point) => ({ point, why: 'farthest out along the direction in which the updates differ most' }))
    return { kind: 'combination', coefficients, leftOut }
  },
})

function filteredWeights({ gram, n }: RuleInput, f: number): Float64Array {
  const trust = new Float64Array(n).fill(1)
  let points = upTo(n)
  let best = trust.map((value) => value / n)
  let least = Number.POSITIVE_INFINITY
  for (;;) {
    const total = trust.reduce((sum, value) => sum + value, 0)
    if (total <= n - 2 * f) return best
    const weights = points.map((point) => (trust[point] as number) / total)
    const { spread, projections } = mainDirection(gram, points, weights)
    if (spread < least) {
      least = spread
      best = trust.map((value) => value / total)
    }
    const largest = Math.max(...projections)
    // All that are left are the same.
    if (largest === 0) return best
    const before = points
    points = points.filter((point) => trust[point] !== 0)
    for (const [at, point] of before.entries()) {
      trust[point] = (trust[point] as number) * (1 - (projections[at] as number) / largest)
    }
  }
}
