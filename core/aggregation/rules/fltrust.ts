import { z } from 'zod'
import { figure } from '../figure.ts'
import { cosine, norm } from '../gram.ts'
import { given } from '../guard.ts'
import { upTo } from '../order.ts'
import { defineRule } from '../rule.ts'

const options = z.strictObject({})

/**
 * FLTrust: the coordinator trains on a small clean data set of its own; its update g is the measure of all others,
 *   Σ sᵢ·(‖g‖/‖xᵢ‖)·xᵢ / Σ sᵢ,  sᵢ = max(0, cos(xᵢ, g)).
 * Where no score is above 0 the result is zero and everybody is left out.
 * Cao, Fang, Liu and Gong, FLTrust: Byzantine-robust federated learning via trust bootstrapping, NDSS 2021. It needs no
 * honest majority, but clean data at the coordinator that is like the clients'.
 */
export const fltrust = defineRule<z.output<typeof options>>({
  options,
  breakdown: (n) => n - 1,
  condition: 'f < n and the root data clean',
  attackers: () => undefined,
  usesGram: true,
  extra: 'root',
  decide({ gram, n, extra }) {
    const root = given(extra.root, 'root update')
    const cosines = upTo(n).map((point) => cosine(gram, point, root))
    const scores = cosines.map((value) => Math.max(0, value))
    const total = scores.reduce((sum, score) => sum + score, 0)
    const coefficients = new Float64Array(gram.size)
    for (const [point, score] of scores.entries()) {
      if (score > 0) coefficients[point] = ((score / total) * norm(gram, root)) / norm(gram, point)
    }
    const leftOut = upTo(n)
      .filter((point) => scores[point] === 0)
      .map((point) => ({ point, why: `cosine ${figure(cosines[point] as number)} to the root update` }))
    return { kind: 'combination', coefficients, leftOut }
  },
})
