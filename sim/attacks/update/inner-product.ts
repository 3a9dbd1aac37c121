import { z } from 'zod'
import { defineUpdateAttack, known } from '../attack.ts'
import { meanOf, times } from '../vectors.ts'

const options = z.strictObject({
  tau: z.number().min(0).max(1e9).default(2).describe('length of the attack in lengths of the honest mean'),
})

/**
 * Inner-product manipulation (fall of empires): −τ·μ, so that the aggregate points away from the honest mean μ.
 * Xie, Koyejo and Gupta, Fall of empires: breaking Byzantine-tolerant SGD by inner product manipulation, UAI 2019.
 */
export const innerProduct = defineUpdateAttack<z.output<typeof options>>({
  kind: 'update',
  options,
  knowledge: 'updates',
  craft: async (input, { tau }) => times(-tau, meanOf(await known(input))),
})
