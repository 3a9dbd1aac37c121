import { z } from 'zod'
import { figure } from '../figure.ts'
import { cosineOf, product } from '../gram.ts'
import { given } from '../guard.ts'
import { upTo } from '../order.ts'
import { defineRule, type RuleInput } from '../rule.ts'
import { weightedMean } from '../weiszfeld.ts'

const options = z.strictObject({})

/** Cosines that differ from 1 by no more are rounding: the two clients are copies of each other. */
const COPY = 1e-12

/**
 * FoolsGold: clients whose histories point the same way are taken for one attacker under several names. With Hᵢ the sum of
 * all updates of a client, this round's included,
 *   sᵢⱼ = cos(Hᵢ, Hⱼ),  mᵢ = maxⱼ sᵢⱼ,  sᵢⱼ ← sᵢⱼ·mᵢ/mⱼ where 0 < mᵢ < mⱼ,
 *   αᵢ = 1 − maxⱼ sᵢⱼ within [0, 1],  α ← α/max α,  αᵢ ← ln(αᵢ/(1 − αᵢ)) + ½ within [0, 1],
 * and the result is Σ αᵢ·xᵢ / Σ αᵢ. A client alone has weight 1; a history of zero is like no other; where all are copies of
 * each other nobody has a part and the result is zero.
 * Fung, Yoon and Beschastnikh, The limitations of federated learning in Sybil settings, RAID 2020. A single attacker, and
 * attackers who differ, go unnoticed.
 */
export const foolsgold = defineRule<z.output<typeof options>>({
  options,
  breakdown: (n) => n - 1,
  condition: 'f < n and the attackers alike',
  attackers: () => undefined,
  usesGram: true,
  extra: 'histories',
  perClient: true,
  decide(input) {
    const { gram, n } = input
    const likeness = historyCosines(input)
    const weights = originality(likeness, n)
    const some = weights.some((weight) => weight > 0)
    const coefficients = some ? weightedMean(gram.size, n, weights) : new Float64Array(gram.size)
    const leftOut = upTo(n)
      .filter((point) => weights[point] === 0)
      .map((point) => ({ point, why: `cosine ${figure(nearest(likeness, n, point))} to another client's history` }))
    return { kind: 'combination', coefficients, leftOut }
  },
})

/** cos(Hᵢ, Hⱼ) for n clients, row-major. */
function historyCosines({ gram, n, extra }: RuleInput): Float64Array {
  const histories = given(extra.histories, 'histories')
  const inner = (i: number, j: number) => {
    const [hi, hj] = [histories[i] as number, histories[j] as number]
    return product(gram, i, j) + (product(gram, hi, j) + product(gram, i, hj)) + product(gram, hi, hj)
  }
  const squares = upTo(n).map((i) => inner(i, i))
  const cosines = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const value = cosineOf(inner(i, j), squares[i] as number, squares[j] as number)
      cosines[i * n + j] = cosines[j * n + i] = value
    }
  }
  return cosines
}

/** The largest cosine to another client. */
function nearest(likeness: Float64Array, n: number, i: number): number {
  return upTo(n).reduce((most, j) => (j === i ? most : Math.max(most, likeness[i * n + j] as number)), -1)
}

/** α for each client: 0 for a copy of another, 1 for one of its own kind. */
function originality(likeness: Float64Array, n: number): number[] {
  const most = upTo(n).map((i) => nearest(likeness, n, i))
  const pardoned = upTo(n).map((i) => {
    const own = most[i] as number
    return upTo(n).reduce((largest, j) => {
      if (j === i) return largest
      const other = most[j] as number
      // A client that is like nobody, mᵢ ≤ 0, needs no pardon, and the quotient would turn the sign.
      const pardon = own > 0 && own < other ? own / other : 1
      return Math.max(largest, (likeness[i * n + j] as number) * pardon)
    }, -1)
  })
  const raw = pardoned.map((value) => (1 - value <= COPY ? 0 : Math.min(1, 1 - value)))
  const largest = Math.max(...raw)
  if (largest === 0) return raw
  return raw.map((value) => {
    const share = value / largest
    // ln(1/0) = ∞ and ln 0 = −∞ are cut to 1 and 0.
    return Math.min(1, Math.max(0, Math.log(share / (1 - share)) + 0.5))
  })
}
