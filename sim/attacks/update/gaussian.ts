import { z } from 'zod'
import { defineUpdateAttack } from '../attack.ts'
import { updateOf } from '../vectors.ts'

const options = z.strictObject({
  deviation: z.number().min(0).max(1e30).default(1).describe('standard deviation of each coordinate'),
})

/**
 * Gaussian: noise in the place of an update, N(0, deviation²) in each coordinate.
 * Blanchard, El Mhamdi, Guerraoui and Stainer, Machine learning with adversaries, NeurIPS 2017.
 */
export const gaussian = defineUpdateAttack<z.output<typeof options>>({
  kind: 'update',
  options,
  knowledge: 'own',
  craft: ({ size, random }, { deviation }) => updateOf(size, () => deviation * random.normal()),
})
