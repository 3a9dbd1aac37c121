import { z } from 'zod'
import { type Matrix, squaredDistance } from '../gram.ts'
import { attackers } from '../options.ts'
import { ascending } from '../order.ts'
import { defineStage } from '../rule.ts'

const options = z.strictObject({ f: attackers.optional() })

/**
 * Nearest-neighbour mixing: each point becomes the mean of its n − f nearest points, itself among them. It brings every
 * rule after it to the order f/n, which is the best there is.
 * Allouah et al., Fixing by mixing: a recipe for optimal Byzantine ML under heterogeneity, AISTATS 2023.
 */
export const nnm = defineStage<z.output<typeof options>>({
  options,
  breakdown: (n) => Math.ceil(n / 2) - 1,
  condition: '2f < n',
  attackers: ({ f }) => f,
  wantsAttackers: true,
  mixes: true,
  count: (n) => n,
  apply({ gram, n }, { f }): Matrix {
    const values = new Float64Array(n * n)
    for (let i = 0; i < n; i++) {
      const distances = Float64Array.from({ length: n }, (_, j) => (i === j ? -1 : squaredDistance(gram, i, j)))
      for (const j of ascending(distances).slice(0, n - f)) values[i * n + j] = 1 / (n - f)
    }
    return { rows: n, columns: n, values }
  },
})
