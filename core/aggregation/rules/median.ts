import type { z } from 'zod'
import { minority, withOptionalAttackers } from '../options.ts'
import { upTo } from '../order.ts'
import { defineRule } from '../rule.ts'

/**
 * Median: in each coordinate the value in the middle, of an even number the mean of the two in the middle; in other words
 * the mean trimmed by ⌊(n − 1)/2⌋ on either side.
 * Yin, Chen, Ramchandran and Bartlett, Byzantine-robust distributed learning: towards optimal statistical rates, ICML 2018.
 */
export const median = defineRule<z.output<typeof withOptionalAttackers>>({
  options: withOptionalAttackers,
  breakdown: minority,
  condition: '2f < n',
  attackers: ({ f }) => f,
  usesGram: false,
  decide: ({ n }) => ({
    kind: 'reduction',
    points: upTo(n),
    reduce: { kind: 'trimmed-mean', drop: Math.floor((n - 1) / 2) },
    leftOut: [],
  }),
})
