import { binaryOnly, type Metric, ratio } from '../metric.ts'

/**
 * Area under the ROC curve. Its jackknife keeps the number of rows of each class: that is, to the last digit, the variance of
 * DeLong, DeLong and Clarke-Pearson (Biometrics 44(3), 1988).
 */
export const auc: Metric = {
  better: 'higher',
  range: [0, 1],
  value: binaryOnly(({ positiveScores, negativeScores }) => areaUnderCurve(positiveScores, negativeScores)),
  spread: 'classes',
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
