import { wilson } from '../confidence/wilson.ts'
import type { BinaryCounts, EvaluationCounts } from '../counts.ts'
import { binaryOnly, type Interval, type Metric, type Share } from '../metric.ts'

/**
 * The largest recall that any threshold between score bins has with a precision of at least `atPrecision`; 0 where none has.
 * Null without positive rows, and in tasks with several classes.
 */
export function recallAtPrecision(atPrecision: number): Metric {
  return {
    better: 'higher',
    range: [0, 1],
    value: binaryOnly((counts) => largestRecall(counts, atPrecision)),
    spread: (counts, alpha) => bounds(counts, atPrecision, alpha),
  }
}

type Threshold = { readonly precision: Share; readonly recall: Share }

/** What each threshold calls positive, from the highest down; the same rows are listed once. */
function* thresholds({ positiveScores, negativeScores, truePositives, falseNegatives }: BinaryCounts) {
  const positives = truePositives + falseNegatives
  let [found, called] = [0, 0]
  for (let bin = positiveScores.length - 1; bin >= 0; bin--) {
    const entering = (positiveScores[bin] ?? 0) + (negativeScores[bin] ?? 0)
    if (entering === 0) continue
    found += positiveScores[bin] ?? 0
    called += entering
    yield { precision: { part: found, whole: called }, recall: { part: found, whole: positives } } as Threshold
  }
}

function largestRecall(counts: BinaryCounts, atPrecision: number): number | null {
  if (counts.truePositives + counts.falseNegatives === 0) return null
  let best = 0
  for (const { precision, recall } of thresholds(counts)) {
    if (precision.part >= atPrecision * precision.whole) best = Math.max(best, recall.part / recall.whole)
  }
  return best
}

/**
 * A threshold was chosen among many by what these rows say of its precision, and the jackknife is wrong for such a choice. So
 * both parts are bounded by Wilson, each with half of the error: the lower bound is the largest lower bound of the recall of any
 * threshold whose precision is at least `atPrecision` by its own lower bound; the upper bound takes the upper ones.
 */
function bounds(counts: EvaluationCounts, atPrecision: number, alpha: number): Interval | undefined {
  if (counts.task !== 'binary' || counts.truePositives + counts.falseNegatives === 0) return undefined
  let [low, high] = [0, 0]
  for (const { precision, recall } of thresholds(counts)) {
    const [precise, found] = [wilson(precision, alpha / 2), wilson(recall, alpha / 2)]
    if (precise.low >= atPrecision) low = Math.max(low, found.low)
    if (precise.high >= atPrecision) high = Math.max(high, found.high)
  }
  return { low, high }
}
