import { z } from 'zod'
import { defineUpdateAttack, known } from '../attack.ts'
import { meanOf, updateOf } from '../vectors.ts'

const options = z.strictObject({
  b: z.number().gt(1).max(1e6).default(2).describe('how far beyond the honest values the attack lies, as a factor'),
})

/**
 * Fang's attack on the median and the trimmed mean: in each coordinate just beyond the honest value that lies farthest against
 * the sign of the honest mean, uniformly from
 *
 * - μ < 0: [max, b·max] if max > 0, else [max, max/b];
 * - μ > 0: [min/b, min] if min > 0, else [b·min, min];
 * - μ = 0: 0, as no direction does harm.
 *
 * Fang, Cao, Jia and Gong, Local model poisoning attacks to Byzantine-robust federated learning, USENIX Security 2020, with full
 * knowledge.
 */
export const fangTrim = defineUpdateAttack<z.output<typeof options>>({
  kind: 'update',
  options,
  knowledge: 'updates',
  async craft(input, { b }) {
    const honest = await known(input)
    const mean = meanOf(honest)
    return updateOf(mean.length, (j) => {
      const share = input.random.uniform()
      const sign = Math.sign(mean[j] as number)
      return sign === 0 ? 0 : beyond(sign * farthest(honest, j, sign), b, share) * sign
    })
  },
})

/** The honest value that lies farthest against the sign. */
function farthest(honest: readonly Float32Array[], j: number, sign: number): number {
  let found = sign * Number.POSITIVE_INFINITY
  for (const update of honest) {
    const value = update[j] as number
    if (sign * value < sign * found) found = value
  }
  return found
}

/** Seen with the honest mean above 0: from the smallest value down, by a factor that moves away from it. */
function beyond(least: number, b: number, share: number): number {
  const end = least > 0 ? least / b : least * b
  return least + share * (end - least)
}
