import { z } from 'zod'
import { clippedMeanOf, norms } from '../clipping.ts'
import { largestOf, twoMeans } from '../clusters.ts'
import { figure } from '../figure.ts'
import { given } from '../guard.ts'
import { attackers, minority } from '../options.ts'
import { medianOf, upTo } from '../order.ts'
import { defineRule, type SignCounts } from '../rule.ts'

const options = z.strictObject({
  f: attackers.optional(),
  /** Norms below this share of the median norm are left out. */
  lower: z.number().min(0).max(1).default(0.1),
  /** Norms above so many times the median norm are left out; from 2 on some norm is always within. */
  upper: z.number().min(2).max(1e6).default(3),
})

/**
 * SignGuard: keeps the updates whose norm is within [L, R] times the median norm (measured before anything is clipped) and
 * that are in the larger cluster by their shares of positive, negative and zero coordinates (2-means); the result is the
 * mean of those, shortened to the median norm. Where nobody passes both, the norms decide alone, and the report says so.
 * Xu, Huang, Song and Lan, Byzantine-robust federated learning through collaborative malicious gradient filtering, ICDCS 2022.
 */
export const signguard = defineRule<z.output<typeof options>>({
  options,
  breakdown: minority,
  condition: '2f < n',
  attackers: ({ f }) => f,
  usesGram: true,
  usesSigns: true,
  perClient: true,
  decide(input, { lower, upper }) {
    const lengths = norms(input.gram, input.n)
    const median = medianOf(lengths)
    const within = upTo(input.n).filter((point) => {
      const length = lengths[point] as number
      return length >= lower * median && length <= upper * median
    })
    const alike = new Set(largestOf(twoMeans(given(input.signs, 'sign counts').map(shares))))
    const both = within.filter((point) => alike.has(point))
    const kept = both.length > 0 ? both : within
    const note = both.length > 0 ? '' : '; norms decided alone, since no update passed both tests'
    const passed = new Set(within)
    return clippedMeanOf(input, kept, median, (point) =>
      passed.has(point)
        ? 'other shares of positive and negative coordinates than most updates'
        : `norm ${normAgainst(lengths[point] as number, median)}${note}`,
    )
  },
})

function shares({ positive, negative, zero }: SignCounts): number[] {
  const total = Math.max(1, positive + negative + zero)
  return [positive / total, negative / total, zero / total]
}

function normAgainst(length: number, median: number): string {
  return median > 0 ? `${figure(length / median)} times the median` : `${figure(length)}, the median 0`
}
