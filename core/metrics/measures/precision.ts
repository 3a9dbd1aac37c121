import { type Metric, ratio, sharedValue } from '../metric.ts'
import { macro } from '../one-vs-rest.ts'

/**
 * Of the rows that were called positive, those that are: TP / (TP + FP); null where none was. In other tasks the macro
 * average, in which a class that no row was given has 0 (as scikit-learn counts it).
 */
export const precision: Metric = {
  better: 'higher',
  range: [0, 1],
  ...sharedValue(
    ({ truePositives, falsePositives }) => ({ part: truePositives, whole: truePositives + falsePositives }),
    (counts) =>
      macro(counts, ({ truePositives, falsePositives }) => ratio(truePositives, truePositives + falsePositives) ?? 0),
  ),
  spread: 'rows',
}
