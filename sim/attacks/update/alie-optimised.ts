import type { z } from 'zod'
import { defineUpdateAttack, known } from '../attack.ts'
import { mostDamaging, searchOptions } from '../line-search.ts'
import { momentsOf, plus } from '../vectors.ts'

/**
 * A little is enough at its best: μ + z·σ with the z ≥ 0 that drives the plan's own aggregate farthest from the honest mean μ,
 * as `mostDamaging` finds it.
 * Baruch, Baruch and Goldberg, NeurIPS 2019; the search as in ByzFL (`Optimal_ALittleIsEnough`).
 */
export const alieOptimised = defineUpdateAttack<z.output<typeof searchOptions>>({
  kind: 'update',
  options: searchOptions,
  knowledge: 'updates',
  optimised: true,
  async craft(input, options) {
    const honest = await known(input)
    const { mean, deviation } = momentsOf(honest)
    return await mostDamaging(input, { honest, mean, at: (z) => plus(mean, z, deviation) }, options)
  },
})
