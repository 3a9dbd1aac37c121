import type { z } from 'zod'
import { clippedMeanOf, norms } from '../clipping.ts'
import { cosineDistances, firstGroupOf } from '../clusters.ts'
import { minority, withOptionalAttackers } from '../options.ts'
import { medianOf } from '../order.ts'
import { defineRule } from '../rule.ts'

/**
 * FLAME: the first group of more than half the updates that forms when those with the smallest angle are joined first; of
 * its members, shortened to the median norm of all updates, the mean. That group is what HDBSCAN on 1 − cos finds with a
 * minimum cluster size of ⌊n/2⌋ + 1, one sample and a single cluster allowed.
 * Nguyen et al., FLAME: taming backdoors in federated learning, USENIX Security 2022. The paper adds noise; here noise is the
 * business of the plan's privacy section, and none is added.
 */
export const flame = defineRule<z.output<typeof withOptionalAttackers>>({
  options: withOptionalAttackers,
  breakdown: minority,
  condition: '2f < n',
  attackers: ({ f }) => f,
  usesGram: true,
  decide(input) {
    const { gram, n } = input
    const group = firstGroupOf(Math.floor(n / 2) + 1, cosineDistances(gram, n))
    const radius = medianOf(norms(gram, n))
    return clippedMeanOf(input, group, radius, () => `points away from the ${group.length} updates that agree most`)
  },
})
