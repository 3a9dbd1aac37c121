import { z } from 'zod'
import { defineUpdateAttack } from '../attack.ts'
import { updateOf } from '../vectors.ts'

const options = z.strictObject({
  send: z
    .enum(['zero', 'noise', 'echo'])
    .default('echo')
    .describe('nothing, noise, or what the model moved by in the last round (nothing in the first)'),
  deviation: z.number().min(0).max(1e30).default(0.001).describe('standard deviation of the noise'),
})

/**
 * Free rider: takes the model and does no work, with an update that costs nothing: zero, small noise N(0, deviation²), or the
 * last aggregate sent back.
 * Lin, Du and Liu, Free-riders in federated learning: attacks and defenses, 2019 (delta weights); Fraboni, Vidal and Lorenzi,
 * Free-rider attacks on model aggregation in federated learning, AISTATS 2021 (plain and disguised).
 */
export const freeRider = defineUpdateAttack<z.output<typeof options>>({
  kind: 'update',
  options,
  knowledge: 'own',
  craft({ size, previous, random }, { send, deviation }) {
    switch (send) {
      case 'zero':
        return new Float32Array(size)
      case 'noise':
        return updateOf(size, () => deviation * random.normal())
      case 'echo':
        return previous === undefined ? new Float32Array(size) : Float32Array.from(previous)
    }
  },
})
