import { z } from 'zod'
import { defineUpdateAttack, known } from '../attack.ts'
import { meanOf, normOf, times } from '../vectors.ts'

/** The largest bound that a plan may set. */
const MOST = 1e15

const options = z.strictObject({
  norm: z.number().positive().max(MOST).optional().describe('length of the attack; absent is the plan’s own bound'),
})

/** Rounding to float32 lengthens a vector by at most this factor; one that is too long by a hair would be refused. */
const ROUNDED_DOWN = 1 - 2 ** -23

/**
 * Max norm, negative: −B·μ/‖μ‖, against the honest mean with all the length B that the plan's screen lets through: the worst
 * that is left behind a proven norm. Where the honest mean is zero there is no direction, and the attack is zero.
 */
export const maxNormNegative = defineUpdateAttack<z.output<typeof options>>({
  kind: 'update',
  options,
  knowledge: 'updates',
  async craft(input, { norm }) {
    const mean = meanOf(await known(input))
    const length = normOf(mean)
    if (length === 0) return new Float32Array(mean.length)
    return times((-Math.min(norm ?? input.maxNorm, MOST) * ROUNDED_DOWN) / length, mean)
  },
})
