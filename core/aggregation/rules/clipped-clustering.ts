import { z } from 'zod'
import { clippedMeanOf, norms } from '../clipping.ts'
import { cosineDistances, largestOf, twoClusters } from '../clusters.ts'
import { attackers, minority } from '../options.ts'
import { medianOf } from '../order.ts'
import { defineRule } from '../rule.ts'

const options = z.strictObject({
  f: attackers.optional(),
  /** The clipping radius is never larger. */
  maxRadius: z.number().positive().max(1e15).default(100_000),
})

/** Norms that are remembered, the newest ones. */
const MEMORY = 10_000

/**
 * Clipped clustering: shortens each update to the median of all norms seen so far, splits the updates into two clusters by
 * average linkage on 1 − cos, and takes the mean of the larger one; of equal ones that with the lowest index.
 * Li, Ngai and Voigt, An experimental study of Byzantine-robust aggregation schemes in federated learning, IEEE Transactions
 * on Big Data 10, 2024.
 */
export const clippedClustering = defineRule<z.output<typeof options>>({
  options,
  breakdown: minority,
  condition: '2f < n',
  attackers: ({ f }) => f,
  usesGram: true,
  decide(input, { maxRadius }) {
    const { gram, n, remembered } = input
    const seen = [...remembered, ...norms(gram, n)]
    const cluster = largestOf(twoClusters(cosineDistances(gram, n)))
    const radius = Math.min(maxRadius, medianOf(seen))
    const why = () => `points another way than the ${cluster.length} updates of the larger cluster`
    return { ...clippedMeanOf(input, cluster, radius, why), remember: seen.slice(-MEMORY) }
  },
})
