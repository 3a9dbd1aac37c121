import type { BinaryCounts } from '../counts.ts'
import { binaryOnly, type Metric, ratio, type Share } from '../metric.ts'

/** Of all rows, those that were called positive, rightly or not: what demographic parity compares. Binary tasks only. */
export const positiveRate: Metric = rate(({ truePositives, falsePositives, rows }) => ({
  part: truePositives + falsePositives,
  whole: rows,
}))

/** Of the negative rows, those that were called positive: FP / (FP + TN). Binary tasks only. */
export const falsePositiveRate: Metric = rate(({ falsePositives, trueNegatives }) => ({
  part: falsePositives,
  whole: falsePositives + trueNegatives,
}))

function rate(share: (counts: BinaryCounts) => Share): Metric {
  return {
    better: 'lower',
    range: [0, 1],
    value: binaryOnly((counts) => {
      const { part, whole } = share(counts)
      return ratio(part, whole)
    }),
    share: (counts) => (counts.task === 'binary' ? share(counts) : undefined),
    spread: 'rows',
  }
}
