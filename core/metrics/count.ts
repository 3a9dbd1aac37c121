import { ParleyError } from '../errors/index.ts'
import { type BinaryCounts, type ClassCounts, LOSS_CAP, SCORE_BINS } from './counts.ts'

/**
 * Counts of a binary task: a row is called positive when its score is at least 0.5.
 *
 * - `scores`: the model's probability of the positive class, one per row, in [0, 1];
 * - `labels`: 0 or 1, one per row;
 * - `scoreBins`: an even number of bins over [0, 1].
 *
 * Fails with `engine.diverged` on a score that is not a number.
 */
export function countBinary(
  scores: ArrayLike<number>,
  labels: ArrayLike<number>,
  scoreBins = SCORE_BINS,
): BinaryCounts {
  const rows = labels.length
  const positiveScores = new Array<number>(scoreBins).fill(0)
  const negativeScores = new Array<number>(scoreBins).fill(0)
  let [truePositives, falsePositives, trueNegatives, falseNegatives, loss] = [0, 0, 0, 0, 0]
  for (let i = 0; i < rows; i++) {
    const score = probability(scores[i])
    const positive = labels[i] === 1
    const bins = positive ? positiveScores : negativeScores
    const bin = Math.min(scoreBins - 1, Math.floor(score * scoreBins))
    bins[bin] = (bins[bin] as number) + 1
    if (score >= 0.5) positive ? truePositives++ : falsePositives++
    else positive ? falseNegatives++ : trueNegatives++
    loss += logLoss(positive ? score : 1 - score)
  }
  const lossMicros = Math.round(loss * 1e6)
  return {
    task: 'binary',
    rows,
    truePositives,
    falsePositives,
    trueNegatives,
    falseNegatives,
    lossMicros,
    positiveScores,
    negativeScores,
  }
}

/**
 * Counts of a task with `classes` classes: a row is given its most probable class, the first one of equals.
 *
 * - `scores`: row-major rows × classes, each row a probability distribution;
 * - `labels`: 0 … classes − 1, one per row.
 *
 * Fails with `engine.diverged` on a score that is not a number.
 */
export function countClasses(scores: ArrayLike<number>, labels: ArrayLike<number>, classes: number): ClassCounts {
  const rows = labels.length
  const confusion = new Array<number>(classes * classes).fill(0)
  let loss = 0
  for (let i = 0; i < rows; i++) {
    const label = labels[i] as number
    let given = 0
    let best = -1
    for (let k = 0; k < classes; k++) {
      const score = probability(scores[i * classes + k])
      if (score > best) {
        best = score
        given = k
      }
      if (k === label) loss += logLoss(score)
    }
    const cell = label * classes + given
    confusion[cell] = (confusion[cell] as number) + 1
  }
  return { task: 'classes', rows, lossMicros: Math.round(loss * 1e6), confusion }
}

function probability(score: number | undefined): number {
  if (score === undefined || Number.isNaN(score)) {
    throw new ParleyError('engine.diverged', 'the model gives a score that is not a number')
  }
  return Math.min(1, Math.max(0, score))
}

function logLoss(probability: number): number {
  return Math.min(LOSS_CAP, Math.max(0, -Math.log(probability)))
}
