import type { z } from 'zod'
import { minority, withAttackers } from '../options.ts'
import { upTo } from '../order.ts'
import { defineRule } from '../rule.ts'

/**
 * Trimmed mean: in each coordinate the mean of what is left without the f smallest and the f largest values.
 * Yin, Chen, Ramchandran and Bartlett, Byzantine-robust distributed learning: towards optimal statistical rates, ICML 2018.
 */
export const trimmedMean = defineRule<z.output<typeof withAttackers>>({
  options: withAttackers,
  breakdown: minority,
  condition: '2f < n',
  attackers: ({ f }) => f,
  usesGram: false,
  decide: ({ n }, { f }) => ({
    kind: 'reduction',
    points: upTo(n),
    reduce: { kind: 'trimmed-mean', drop: f },
    leftOut: [],
  }),
})
