import type { z } from 'zod'
import { clipFactor, norms } from '../clipping.ts'
import { diagonal } from '../gram.ts'
import { minority, withOptionalAttackers } from '../options.ts'
import { defineStage } from '../rule.ts'

/**
 * Adaptive robust clipping: the k = ⌊2f(n − f)/n⌋ largest norms are clipped to the one that follows them. It bounds what an
 * attacker gains by a large norm without costing the rule after it its guarantee.
 * Allouah, Guerraoui, Gupta, Jellouli, Rizk and Stephan, Adaptive gradient clipping for robust federated learning, ICLR 2025.
 */
export const arc = defineStage<z.output<typeof withOptionalAttackers>>({
  options: withOptionalAttackers,
  breakdown: minority,
  condition: '2f < n',
  attackers: ({ f }) => f,
  wantsAttackers: true,
  mixes: false,
  count: (n) => n,
  apply({ gram, n }, { f }) {
    const lengths = norms(gram, n)
    // Multiplied before it is divided: 2f/n·(n − f) can round to just below a whole number.
    const clipped = Math.floor((2 * f * (n - f)) / n)
    const radius = lengths.toSorted()[n - 1 - clipped] as number
    return diagonal(lengths.map((length) => clipFactor(length, radius)))
  },
})
