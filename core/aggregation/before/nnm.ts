import type { z } from 'zod'
import { type Matrix, squaredDistances } from '../gram.ts'
import { minority, withOptionalAttackers } from '../options.ts'
import { smallest } from '../order.ts'
import { defineStage } from '../rule.ts'

/**
 * Nearest-neighbour mixing: each point becomes the mean of its n − f nearest points, itself among them. It brings every
 * rule after it to the order f/n, which is the best there is.
 * Allouah et al., Fixing by mixing: a recipe for optimal Byzantine ML under heterogeneity, AISTATS 2023.
 */
export const nnm = defineStage<z.output<typeof withOptionalAttackers>>({
  options: withOptionalAttackers,
  breakdown: minority,
  condition: '2f < n',
  attackers: ({ f }) => f,
  wantsAttackers: true,
  mixes: true,
  count: (n) => n,
  apply({ gram, n }, { f }): Matrix {
    const distances = squaredDistances(gram, n)
    const values = new Float64Array(n * n)
    for (let i = 0; i < n; i++) {
      const row = distances.subarray(i * n, (i + 1) * n)
      // Before a twin at distance 0, which may have the lower index.
      row[i] = -1
      for (const j of smallest(row, n - f)) values[i * n + j] = 1 / (n - f)
    }
    return { rows: n, columns: n, values }
  },
})
