import type { z } from 'zod'
import { defineUpdateAttack, known } from '../attack.ts'
import { mostDamaging, searchOptions } from '../line-search.ts'
import { meanOf, times } from '../vectors.ts'

/**
 * Inner-product manipulation at its best: −τ·μ with the τ ≥ 0 that drives the plan's own aggregate farthest from the honest
 * mean μ, as `mostDamaging` finds it.
 * Xie, Koyejo and Gupta, UAI 2019; the search as in ByzFL (`Optimal_InnerProductManipulation`).
 */
export const innerProductOptimised = defineUpdateAttack<z.output<typeof searchOptions>>({
  kind: 'update',
  options: searchOptions,
  knowledge: 'updates',
  optimised: true,
  async craft(input, options) {
    const honest = await known(input)
    const mean = meanOf(honest)
    return await mostDamaging(input, { honest, mean, at: (tau) => times(-tau, mean) }, options)
  },
})
