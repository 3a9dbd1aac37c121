import { binaryOnly, type Metric } from '../metric.ts'

/**
 * Average precision: Σ (Rₖ − Rₖ₋₁)·Pₖ over the thresholds from the highest score bin down, with precision Pₖ and recall Rₖ of
 * what lies at or above bin k. The rows of one bin are tied, and enter together, as scikit-learn's `average_precision_score`
 * does with tied scores. Null without positive rows. A random ranking has the share of positive rows.
 */
export const prAuc: Metric = {
  better: 'higher',
  range: [0, 1],
  value: binaryOnly(({ positiveScores, negativeScores }) => averagePrecision(positiveScores, negativeScores)),
  spread: 'rows',
}

function averagePrecision(positive: readonly number[], negative: readonly number[]): number | null {
  let [found, called, sum] = [0, 0, 0]
  for (let bin = positive.length - 1; bin >= 0; bin--) {
    const entering = positive[bin] ?? 0
    found += entering
    called += entering + (negative[bin] ?? 0)
    if (entering > 0) sum += (entering * found) / called
  }
  return found === 0 ? null : sum / found
}
