import type { BinaryCounts } from '../counts.ts'
import type { Metric } from '../metric.ts'
import { recall } from './recall.ts'
import { specificity } from './specificity.ts'

/**
 * The mean of the recalls of all classes: (recall + specificity) / 2 of a binary task (Brodersen et al., The balanced
 * accuracy and its posterior distribution, ICPR 2010); of other tasks the macro average of the recall, over the classes that have
 * rows. A binary task without rows of one class has none.
 */
export const balancedAccuracy: Metric = {
  better: 'higher',
  range: [0, 1],
  value: (counts) => (counts.task === 'binary' ? ofBoth(counts) : recall.value(counts)),
  spread: 'classes',
}

function ofBoth(counts: BinaryCounts): number | null {
  const [sensitivity, other] = [recall.value(counts), specificity.value(counts)]
  return sensitivity === null || other === null ? null : (sensitivity + other) / 2
}
