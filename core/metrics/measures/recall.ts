import { type Metric, ratio, sharedValue } from '../metric.ts'
import { macro } from '../one-vs-rest.ts'

/** Of the positive rows, those that were called so, the sensitivity: TP / (TP + FN). In other tasks the macro average. */
export const recall: Metric = {
  better: 'higher',
  range: [0, 1],
  ...sharedValue(
    ({ truePositives, falseNegatives }) => ({ part: truePositives, whole: truePositives + falseNegatives }),
    (counts) => macro(counts, ({ truePositives: hits, falseNegatives: misses }) => ratio(hits, hits + misses)),
  ),
  spread: 'classes',
}
