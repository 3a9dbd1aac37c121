import type { BinaryCounts, ClassCounts, EvaluationCounts } from './counts.ts'
import type { Metrics } from './metrics.ts'

/** The figures of (pooled) counts. */
export function metricsOf(counts: EvaluationCounts): Metrics {
  return counts.task === 'binary' ? binaryMetrics(counts) : classMetrics(counts)
}

function binaryMetrics(counts: BinaryCounts): Metrics {
  const { rows, truePositives: tp, falsePositives: fp, trueNegatives: tn, falseNegatives: fn } = counts
  return {
    rows,
    loss: ratio(counts.lossMicros / 1e6, rows),
    accuracy: ratio(tp + tn, rows),
    precision: ratio(tp, tp + fp),
    recall: ratio(tp, tp + fn),
    f1: ratio(2 * tp, 2 * tp + fp + fn),
    auc: areaUnderCurve(counts.positiveScores, counts.negativeScores),
  }
}

/**
 * Area under the ROC curve from the rows per score bin of both classes: the share of (positive, negative) pairs in which
 * the positive row stands in the higher bin, a pair within one bin counting half (the Mann–Whitney statistic with ties:
 * Hanley and McNeil, Radiology 143(1), 1982). `null` without rows of one class.
 */
export function areaUnderCurve(positive: readonly number[], negative: readonly number[]): number | null {
  let [positives, negatives, twicePairs] = [0, 0, 0]
  for (let bin = 0; bin < positive.length; bin++) {
    const [p, n] = [positive[bin] ?? 0, negative[bin] ?? 0]
    twicePairs += p * (2 * negatives + n)
    positives += p
    negatives += n
  }
  return ratio(twicePairs, 2 * positives * negatives)
}

/**
 * Macro averages run over the classes that have rows. A class that no row was given has precision 0, and F1 0 with it (as
 * scikit-learn counts it).
 */
function classMetrics(counts: ClassCounts): Metrics {
  const { rows, confusion } = counts
  const classes = Math.round(Math.sqrt(confusion.length))
  let [correct, present, precision, recall, f1] = [0, 0, 0, 0, 0]
  for (let k = 0; k < classes; k++) {
    const hits = confusion[k * classes + k] ?? 0
    let [actual, given] = [0, 0]
    for (let j = 0; j < classes; j++) {
      actual += confusion[k * classes + j] ?? 0
      given += confusion[j * classes + k] ?? 0
    }
    correct += hits
    if (actual === 0) continue
    present++
    precision += given === 0 ? 0 : hits / given
    recall += hits / actual
    f1 += (2 * hits) / (actual + given)
  }
  return {
    rows,
    loss: ratio(counts.lossMicros / 1e6, rows),
    accuracy: ratio(correct, rows),
    precision: ratio(precision, present),
    recall: ratio(recall, present),
    f1: ratio(f1, present),
    auc: null,
  }
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole
}
