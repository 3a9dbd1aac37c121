import { z } from 'zod'
import { defineUpdateAttack } from '../attack.ts'
import { times } from '../vectors.ts'

const options = z.strictObject({
  scale: z
    .number()
    .positive()
    .max(1e6)
    .default(1)
    .describe('by how much the flipped update is longer than the honest one'),
})

/**
 * Sign flip without knowledge of others: −scale · the attacker's own honest update.
 * Li, Xu, Chen, Giannakis and Ling, RSA: Byzantine-robust stochastic aggregation methods, AAAI 2019.
 */
export const ownSignFlip = defineUpdateAttack<z.output<typeof options>>({
  kind: 'update',
  options,
  knowledge: 'own',
  craft: async ({ own }, { scale }) => times(-scale, await own()),
})
