import { z } from 'zod'
import { defineUpdateAttack, known } from '../attack.ts'
import { meanOf, times } from '../vectors.ts'

const options = z.strictObject({})

/**
 * Sign flip: the opposite of what the honest clients want, −μ with μ the mean of their updates.
 * Allen-Zhu, Ebrahimianghazani, Li and Alistarh, Byzantine-resilient non-convex stochastic gradient descent, ICLR 2021; in this
 * form in ByzFL (`SignFlipping`).
 */
export const signFlip = defineUpdateAttack<z.output<typeof options>>({
  kind: 'update',
  options,
  knowledge: 'updates',
  craft: async (input) => times(-1, meanOf(await known(input))),
})
