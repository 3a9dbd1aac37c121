import { z } from 'zod'
import { type CraftInput, defineUpdateAttack, known } from '../attack.ts'
import { normalQuantile } from '../normal-quantile.ts'
import { momentsOf, plus } from '../vectors.ts'

const options = z.strictObject({
  z: z
    .union([z.number().min(-1e6).max(1e6), z.literal('max')])
    .default(1.5)
    .describe('standard deviations between the attack and the honest mean; max: as many as still look honest'),
})

/**
 * A little is enough: μ + z·σ, with mean μ and standard deviation σ of the honest updates in each coordinate: few enough
 * deviations to pass for an honest update, and the same ones from all attackers.
 * Baruch, Baruch and Goldberg, A little is enough: circumventing defenses for distributed learning, NeurIPS 2019.
 */
export const alie = defineUpdateAttack<z.output<typeof options>>({
  kind: 'update',
  options,
  knowledge: 'updates',
  async craft(input, options) {
    const { mean, deviation } = momentsOf(await known(input))
    return plus(mean, options.z === 'max' ? largestZ(input) : options.z, deviation)
  },
})

/**
 * z such that s honest clients are expected to lie farther out than the attack: with the m attackers they are the majority of
 * n, s = ⌊n/2⌋ + 1 − m, and z = Φ⁻¹((n − m − s)/(n − m)).
 *
 * Attackers who are the majority by themselves count on one honest client all the same, and z is at least 0: there would be no
 * finite value else.
 */
export function largestZ({ clients, attackers }: Pick<CraftInput, 'clients' | 'attackers'>): number {
  const honest = clients - attackers
  if (honest < 1) return 0
  const supporters = Math.max(1, Math.floor(clients / 2) + 1 - attackers)
  return Math.max(0, normalQuantile(Math.max(0.5, (honest - supporters) / honest)))
}
