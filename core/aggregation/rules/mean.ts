import { z } from 'zod'
import { defineRule } from '../rule.ts'

const options = z.strictObject({
  /** `samples` weighs each update by its training rows, bounded by the screens; `equal` gives each the same weight. */
  weights: z.enum(['equal', 'samples']).default('equal'),
})

/**
 * The weighted mean Σ aᵢ·xᵢ / Σ aᵢ, with aᵢ = 1 (`equal`) or the training rows (`samples`): federated averaging.
 * McMahan et al., Communication-efficient learning of deep networks from decentralized data, AISTATS 2017. It withstands
 * nobody: one client can move it anywhere within the norm screen.
 */
export const mean = defineRule<z.output<typeof options>>({
  options,
  breakdown: () => 0,
  condition: 'f = 0',
  attackers: () => undefined,
  usesGram: false,
  decide({ gram, n, samples }, { weights }) {
    const raw = samples.map((count) => (weights === 'samples' ? count : 1))
    const total = raw.reduce((sum, weight) => sum + weight, 0)
    const coefficients = new Float64Array(gram.size)
    for (let point = 0; point < n; point++) coefficients[point] = (raw[point] as number) / total
    return { kind: 'combination', coefficients, leftOut: [] }
  },
})
