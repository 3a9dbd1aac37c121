import { binaryOnly, type Metric } from '../metric.ts'

/** Equal bins over [0, 1] in which scores are held against what became of the rows. */
export const CALIBRATION_BINS = 15

/**
 * Expected calibration error: Σ nₘ/n · |mean label − mean score| over 15 equal bins (Naeini, Cooper and Hauskrecht, AAAI 2015;
 * Guo et al., ICML 2017), of the scores of the positive class. A score counts as the middle of its score bin, which is off by
 * at most 1/2048 (1/512 in groups). Null without rows.
 */
export const calibrationError: Metric = {
  better: 'lower',
  range: [0, 1],
  value: binaryOnly(({ positiveScores, negativeScores }) => expectedError(positiveScores, negativeScores)),
  spread: 'rows',
}

function expectedError(positive: readonly number[], negative: readonly number[]): number | null {
  const excess = new Float64Array(CALIBRATION_BINS)
  let rows = 0
  for (let bin = 0; bin < positive.length; bin++) {
    const score = (bin + 0.5) / positive.length
    const [p, n] = [positive[bin] ?? 0, negative[bin] ?? 0]
    const place = Math.floor(score * CALIBRATION_BINS)
    excess[place] = (excess[place] as number) + p - (p + n) * score
    rows += p + n
  }
  return rows === 0 ? null : excess.reduce((sum, one) => sum + Math.abs(one), 0) / rows
}
