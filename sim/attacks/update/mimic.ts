import { z } from 'zod'
import { defineUpdateAttack, known } from '../attack.ts'

const options = z.strictObject({
  client: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(0)
    .describe('the honest client that is copied, in the order of ids; counted around when there are fewer'),
})

/**
 * Mimic: a copy of one honest update, so that one client's data has more weight than its share, and nothing looks dishonest.
 * Karimireddy, He and Jaggi, Byzantine-robust learning on heterogeneous datasets via bucketing, ICLR 2022.
 */
export const mimic = defineUpdateAttack<z.output<typeof options>>({
  kind: 'update',
  options,
  knowledge: 'updates',
  async craft(input, { client }) {
    const updates = await known(input)
    return Float32Array.from(updates[client % updates.length] as Float32Array)
  },
})
