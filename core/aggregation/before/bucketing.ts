import { z } from 'zod'
import { randomOf } from '../../random/random.ts'
import type { Matrix } from '../gram.ts'
import { upTo } from '../order.ts'
import { defineStage } from '../rule.ts'

const options = z.strictObject({
  /** s: points in a bucket; the last one may hold fewer. */
  size: z.int().min(1).max(100_000),
})

/**
 * Bucketing: draws an order of the points, unforeseeable for clients, and replaces each s in a row by their mean. It makes
 * honest points more alike; an attacker spoils the whole bucket.
 * Karimireddy, He and Jaggi, Byzantine-robust learning on heterogeneous datasets via bucketing, ICLR 2022.
 */
export const bucketing = defineStage<z.output<typeof options>>({
  options,
  breakdown: (n, { size }) => Math.ceil(n / (2 * size)) - 1,
  condition: '2·size·f < n',
  attackers: () => undefined,
  wantsAttackers: false,
  mixes: true,
  count: (n, { size }) => Math.ceil(n / size),
  apply({ n, seed }, { size }): Matrix {
    const order = randomOf(seed, 'bucketing').shuffle(upTo(n))
    const rows = Math.ceil(n / size)
    const values = new Float64Array(rows * n)
    for (let row = 0; row < rows; row++) {
      const bucket = order.slice(row * size, (row + 1) * size)
      for (const point of bucket) values[row * n + point] = 1 / bucket.length
    }
    return { rows, columns: n, values }
  },
})
