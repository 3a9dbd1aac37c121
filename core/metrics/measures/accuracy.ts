import type { EvaluationCounts } from '../counts.ts'
import { type Metric, ratio, type Share } from '../metric.ts'

/** Rows that were given their own class: (TP + TN) / n, or the diagonal of the confusion matrix over n. */
export const accuracy: Metric = {
  better: 'higher',
  range: [0, 1],
  value: (counts) => {
    const share = right(counts)
    return share === undefined ? null : ratio(share.part, share.whole)
  },
  share: right,
  spread: 'rows',
}

function right(counts: EvaluationCounts): Share | undefined {
  if (counts.task === 'regression') return undefined
  if (counts.task === 'binary') return { part: counts.truePositives + counts.trueNegatives, whole: counts.rows }
  const { confusion, rows } = counts
  const classes = Math.round(Math.sqrt(confusion.length))
  let hits = 0
  for (let k = 0; k < classes; k++) hits += confusion[k * classes + k] ?? 0
  return { part: hits, whole: rows }
}
