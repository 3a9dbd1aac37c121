import type { Metric } from '../metric.ts'
import { ratio } from '../metric.ts'
import { macro, type Outcomes } from '../one-vs-rest.ts'

/** The harmonic mean of precision and recall: 2·TP / (2·TP + FP + FN). In other tasks the macro average. */
export const f1: Metric = {
  better: 'higher',
  range: [0, 1],
  value: (counts) => {
    if (counts.task === 'regression') return null
    return counts.task === 'binary' ? ofOutcomes(counts) : macro(counts, ofOutcomes)
  },
  spread: 'rows',
}

function ofOutcomes({ truePositives, falsePositives, falseNegatives }: Outcomes): number | null {
  return ratio(2 * truePositives, 2 * truePositives + falsePositives + falseNegatives)
}
