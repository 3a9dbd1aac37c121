import { ParleyError } from '../errors/index.ts'
import type { BinaryCounts, ClassCounts, EvaluationCounts } from './counts.ts'

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
  throw new ParleyError('evaluation.invalid', 'counts of a binary and of a multi-class task have no sum')
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

function addEach(a: readonly number[], b: readonly number[]): number[] {
  if (a.length !== b.length) throw new ParleyError('evaluation.invalid', 'counts of different sizes have no sum')
  return a.map((value, i) => value + (b[i] as number))
}
