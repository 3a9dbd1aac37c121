import type { z } from 'zod'
import { minority, withAttackers } from '../options.ts'
import { upTo } from '../order.ts'
import { defineRule } from '../rule.ts'

/**
 * Mean around the median: in each coordinate the mean of the n − f values nearest to the median.
 * Xie, Koyejo and Gupta, Generalized Byzantine-tolerant SGD, arXiv 1802.10116, 2018.
 */
export const meamed = defineRule<z.output<typeof withAttackers>>({
  options: withAttackers,
  breakdown: minority,
  condition: '2f < n',
  attackers: ({ f }) => f,
  usesGram: false,
  decide: ({ n }, { f }) => ({
    kind: 'reduction',
    points: upTo(n),
    reduce: { kind: 'nearest-median', keep: n - f },
    leftOut: [],
  }),
})
