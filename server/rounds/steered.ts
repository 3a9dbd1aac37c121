import type { EvaluationCounts } from '../../core/metrics/counts.ts'

/** Rows of other classes than the target, and how many of them were given the target. */
export type Steered = { readonly others: number; readonly given: number }

/** `target`: number of a class; of a binary label 1 for positive, 0 for negative. */
export function steeredTo(counts: EvaluationCounts | undefined, target: number): Steered {
  if (counts === undefined) return { others: 0, given: 0 }
  if (counts.task === 'binary') {
    const { truePositives, falsePositives, trueNegatives, falseNegatives } = counts
    return target === 1
      ? { others: falsePositives + trueNegatives, given: falsePositives }
      : { others: truePositives + falseNegatives, given: falseNegatives }
  }
  if (counts.task === 'regression') return { others: 0, given: 0 }
  const classes = Math.round(Math.sqrt(counts.confusion.length))
  let [others, given] = [0, 0]
  counts.confusion.forEach((rows, cell) => {
    if (Math.floor(cell / classes) === target) return
    others += rows
    if (cell % classes === target) given += rows
  })
  return { others, given }
}
