import type { z } from 'zod'
import { withAttackers } from '../options.ts'
import { defineRule } from '../rule.ts'

/**
 * Trimmed mean: in each coordinate the mean of what is left without the f smallest and the f largest values.
 * Yin, Chen, Ramchandran and Bartlett, Byzantine-robust distributed learning: towards optimal statistical rates, ICML 2018.
 */
export const trimmedMean = defineRule<z.output<typeof withAttackers>>({
  options: withAttackers,
  breakdown: (n) => Math.ceil(n / 2) - 1,
  condition: '2f < n',
  attackers: ({ f }) => f,
  usesGram: false,
  decide: ({ n }, { f }) => ({
    kind: 'reduction',
    points: Array.from({ length: n }, (_, point) => point),
    reduce: { kind: 'trimmed-mean', drop: f },
    leftOut: [],
  }),
})
