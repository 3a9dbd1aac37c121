import type { BinaryCounts, ClassCounts, EvaluationCounts } from '../counts.ts'

/** One cell of the counts: rows of one true class that cannot be told apart. */
type Cell = { readonly stratum: number; readonly rows: number; readonly without: number }

/**
 * Variance of a figure of counts by the delete-one jackknife (Efron and Stein, Annals of Statistics 9(3), 1981). Rows in one
 * cell give the same figure when they are left out, so it is exact from counts, and nothing is drawn by chance:
 *
 *   Σₛ (nₛ − 1)/nₛ · Σᵢ (θ₍₋ᵢ₎ − mean of θ₍₋ᵢ₎)²
 *
 * over strata s of nₛ rows: all rows, or the rows of each true class where their numbers are taken as given.
 *
 * Undefined where the figure is not defined without one of the rows, or a stratum has one row only; and for a numeric label, of
 * which no cell has rows that are alike. The mean log loss does not
 * follow from cells, and must not be asked for.
 */
export function jackknifeVariance(
  counts: EvaluationCounts,
  figure: (counts: EvaluationCounts) => number | null,
  strata: 'rows' | 'classes',
): number | undefined {
  if (counts.task === 'regression') return undefined
  const cells: Cell[] = []
  for (const { stratum, rows, without } of leaveOneOut(counts, figure)) {
    if (without === null) return undefined
    cells.push({ stratum: strata === 'rows' ? 0 : stratum, rows, without })
  }
  let variance = 0
  for (const stratum of new Set(cells.map((cell) => cell.stratum))) {
    const own = cells.filter((cell) => cell.stratum === stratum)
    const rows = own.reduce((sum, cell) => sum + cell.rows, 0)
    if (rows < 2) return undefined
    const mean = own.reduce((sum, cell) => sum + cell.rows * cell.without, 0) / rows
    const squares = own.reduce((sum, cell) => sum + cell.rows * (cell.without - mean) ** 2, 0)
    variance += ((rows - 1) / rows) * squares
  }
  return cells.length === 0 ? undefined : variance
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] extends readonly number[] ? number[] : T[Key] }

function* leaveOneOut(counts: BinaryCounts | ClassCounts, figure: (counts: EvaluationCounts) => number | null) {
  if (counts.task === 'classes') {
    const left = { ...counts, rows: counts.rows - 1, confusion: [...counts.confusion] }
    const classes = Math.round(Math.sqrt(counts.confusion.length))
    for (const [cell, rows] of counts.confusion.entries()) {
      if (rows === 0) continue
      left.confusion[cell] = rows - 1
      yield { stratum: Math.floor(cell / classes), rows, without: figure(left) }
      left.confusion[cell] = rows
    }
    return
  }
  const left: Mutable<typeof counts> = {
    ...counts,
    rows: counts.rows - 1,
    positiveScores: [...counts.positiveScores],
    negativeScores: [...counts.negativeScores],
  }
  for (const [stratum, bins, called, missed] of [
    [1, 'positiveScores', 'truePositives', 'falseNegatives'],
    [0, 'negativeScores', 'falsePositives', 'trueNegatives'],
  ] as const) {
    for (const [bin, rows] of counts[bins].entries()) {
      if (rows === 0) continue
      const outcome = bin >= counts[bins].length / 2 ? called : missed
      left[bins][bin] = rows - 1
      left[outcome]--
      yield { stratum, rows, without: figure(left) }
      left[bins][bin] = rows
      left[outcome]++
    }
  }
}
