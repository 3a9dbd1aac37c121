import type { ClassCounts } from './counts.ts'

/** What became of the rows when one class is held against all others. */
export type Outcomes = {
  readonly truePositives: number
  readonly falsePositives: number
  readonly trueNegatives: number
  readonly falseNegatives: number
}

/**
 * The macro average of a figure: its plain mean over the classes that have rows, each held against the rest. Null where no
 * class has any, or where the figure is not defined for one of them.
 */
export function macro({ confusion, rows }: ClassCounts, figure: (outcomes: Outcomes) => number | null): number | null {
  const classes = Math.round(Math.sqrt(confusion.length))
  let [present, sum] = [0, 0]
  for (let k = 0; k < classes; k++) {
    const hits = confusion[k * classes + k] ?? 0
    let [actual, given] = [0, 0]
    for (let j = 0; j < classes; j++) {
      actual += confusion[k * classes + j] ?? 0
      given += confusion[j * classes + k] ?? 0
    }
    if (actual === 0) continue
    present++
    const value = figure({
      truePositives: hits,
      falsePositives: given - hits,
      trueNegatives: rows - actual - given + hits,
      falseNegatives: actual - hits,
    })
    if (value === null) return null
    sum += value
  }
  return present === 0 ? null : sum / present
}
