import { ParleyError } from '../errors/index.ts'
import type { BinaryCounts, ClassCounts, EvaluationCounts, NumericCounts } from './counts.ts'

/**
 * The pooled counts of several clients, `undefined` for none. Fails with `evaluation.invalid` when they are not of one task
 * and size; what a client sent is checked with `invalidCounts` before.
 */
export function sumCounts(list: readonly EvaluationCounts[]): EvaluationCounts | undefined {
  let sum: EvaluationCounts | undefined
  for (const counts of list) sum = sum === undefined ? counts : add(sum, counts)
  return sum
}

function add(a: EvaluationCounts, b: EvaluationCounts): EvaluationCounts {
  if (a.task === 'binary' && b.task === 'binary') return addBinary(a, b)
  if (a.task === 'classes' && b.task === 'classes') return addClasses(a, b)
  if (a.task === 'regression' && b.task === 'regression') return addNumeric(a, b)
  throw new ParleyError('evaluation.invalid', `counts of the tasks ${a.task} and ${b.task} have no sum`)
}

function addBinary(a: BinaryCounts, b: BinaryCounts): BinaryCounts {
  return {
    task: 'binary',
    rows: a.rows + b.rows,
    truePositives: a.truePositives + b.truePositives,
    falsePositives: a.falsePositives + b.falsePositives,
    trueNegatives: a.trueNegatives + b.trueNegatives,
    falseNegatives: a.falseNegatives + b.falseNegatives,
    lossMicros: a.lossMicros + b.lossMicros,
    positiveScores: addEach(a.positiveScores, b.positiveScores),
    negativeScores: addEach(a.negativeScores, b.negativeScores),
  }
}

function addClasses(a: ClassCounts, b: ClassCounts): ClassCounts {
  return {
    task: 'classes',
    rows: a.rows + b.rows,
    lossMicros: a.lossMicros + b.lossMicros,
    confusion: addEach(a.confusion, b.confusion),
  }
}

function addNumeric(a: NumericCounts, b: NumericCounts): NumericCounts {
  if (a.min !== b.min || a.max !== b.max) {
    throw new ParleyError('evaluation.invalid', 'counts of labels of different ranges have no sum')
  }
  return {
    task: 'regression',
    min: a.min,
    max: a.max,
    rows: a.rows + b.rows,
    overMicros: a.overMicros + b.overMicros,
    underMicros: a.underMicros + b.underMicros,
    squaredErrors: a.squaredErrors + b.squaredErrors,
    labelMicros: a.labelMicros + b.labelMicros,
    squaredLabels: a.squaredLabels + b.squaredLabels,
    errorBins: addEach(a.errorBins, b.errorBins),
  }
}

function addEach(a: readonly number[], b: readonly number[]): number[] {
  if (a.length !== b.length) throw new ParleyError('evaluation.invalid', 'counts of different sizes have no sum')
  return a.map((value, i) => value + (b[i] as number))
}
