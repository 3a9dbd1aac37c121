import { z } from 'zod'
import type { Gram } from '../../../core/aggregation/gram.ts'
import { krumScores } from '../../../core/aggregation/rules/krum.ts'
import { type CraftInput, defineUpdateAttack, known } from '../attack.ts'
import { dot, meanOf, normOf, squaredDistances, times } from '../vectors.ts'

const options = z.strictObject({
  halvings: z.int().min(0).max(100).default(20).describe('how often λ is halved at most'),
})

/**
 * Fang's attack on Krum: −λ·sign(μ) with λ halved until Krum picks the attack among the honest updates. It starts at the bound
 * of the paper, with no step as the vector that the attack is measured from,
 *
 *   λ ≤ min over the updates of the root distances to their honest neighbours/((n − 2m − 1)·√d) + maxᵢ ‖hᵢ‖/√d,
 *
 * so that it suits updates of every size. Krum as it is in Parley, with f = m attackers. If it is never picked, the shortest
 * vector that was tried is sent.
 * Fang, Cao, Jia and Gong, Local model poisoning attacks to Byzantine-robust federated learning, USENIX Security 2020.
 */
export const fangKrum = defineUpdateAttack<z.output<typeof options>>({
  kind: 'update',
  options,
  knowledge: 'updates',
  async craft(input, { halvings }) {
    const honest = await known(input)
    const signs = meanOf(honest).map(Math.sign)
    const sees = krumOn(honest, signs, input.attackers)
    let lambda = largestLambda(honest, input)
    for (let i = 0; i < halvings && !sees.picks(lambda); i++) lambda /= 2
    return times(-lambda, signs)
  },
})

/** The bound of the paper. Sums of fewer than one neighbour count as one, so that it is defined for every n and m. */
function largestLambda(honest: readonly Float32Array[], { size, attackers }: CraftInput): number {
  const n = honest.length
  const distances = squaredDistances(honest).map(Math.sqrt)
  const neighbours = Math.max(1, n - attackers - 1)
  const sums = honest.map((_, i) =>
    distances
      .slice(i * n, (i + 1) * n)
      .sort()
      .slice(1, 1 + neighbours)
      .reduce((a, b) => a + b, 0),
  )
  const longest = Math.max(...honest.map(normOf))
  return (Math.min(...sums) / neighbours + longest) / Math.sqrt(size)
}

/** Krum on the honest updates and m copies of −λ·signs; the vectors are looked at once, not once for each λ. */
function krumOn(honest: readonly Float32Array[], signs: Float64Array, attackers: number) {
  const h = honest.length
  const n = h + attackers
  const among = honest.map((a, i) => honest.slice(0, i + 1).map((b) => dot(a, b)))
  const along = honest.map((update) => dot(update, signs))
  const length = dot(signs, signs)
  const productOf = (lambda: number, i: number, j: number): number => {
    if (i < j) return productOf(lambda, j, i)
    if (i < h) return among[i]?.[j] as number
    return j < h ? -lambda * (along[j] as number) : lambda * lambda * length
  }
  return {
    picks(lambda: number): boolean {
      const values = Float64Array.from({ length: n * n }, (_, k) => productOf(lambda, Math.floor(k / n), k % n))
      const gram: Gram = { size: n, values }
      const scores = krumScores({ gram, n }, attackers)
      const best = (part: Float64Array) => part.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)
      return best(scores.subarray(h)) < best(scores.subarray(0, h))
    },
  }
}
