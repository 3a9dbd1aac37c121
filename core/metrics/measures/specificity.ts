import { type Metric, ratio, sharedValue } from '../metric.ts'
import { macro } from '../one-vs-rest.ts'

/**
 * Of the negative rows, those that were called so: TN / (TN + FP). In other tasks the macro average over the classes that have
 * rows, each held against the rest; null where there is no rest.
 */
export const specificity: Metric = {
  better: 'higher',
  range: [0, 1],
  ...sharedValue(
    ({ trueNegatives, falsePositives }) => ({ part: trueNegatives, whole: trueNegatives + falsePositives }),
    (counts) => macro(counts, ({ trueNegatives: right, falsePositives: wrong }) => ratio(right, right + wrong)),
  ),
  spread: 'classes',
}
