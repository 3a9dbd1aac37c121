import { binaryOnly, type Metric, ratio } from '../metric.ts'

/**
 * Brier score: the mean of (score − label)² (Brier, Monthly Weather Review 78(1), 1950). A score counts as the middle of its
 * score bin, which puts the mean off by less than 1/1024 (1/256 in groups). Null without rows, and in tasks with several classes.
 */
export const brier: Metric = {
  better: 'lower',
  range: [0, 1],
  value: binaryOnly(({ positiveScores, negativeScores }) => {
    let [sum, rows] = [0, 0]
    positiveScores.forEach((p, bin) => {
      const n = negativeScores[bin] ?? 0
      const score = (bin + 0.5) / positiveScores.length
      sum += p * (1 - score) ** 2 + n * score ** 2
      rows += p + n
    })
    return ratio(sum, rows)
  }),
  spread: 'rows',
}
