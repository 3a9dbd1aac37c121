import type { LabelRange } from './counts.ts'
import { binMicros, MOST_NUMERIC_ROWS, RANGE_UNITS, SQUARE_UNITS, squareOf } from './numeric.ts'

const sums = ['overMicros', 'underMicros', 'squaredErrors', 'labelMicros', 'squaredLabels'] as const

/** A square is rounded by half a unit at most. */
const ROUNDED = 0.5
/** Of products beyond the whole numbers that a double holds. */
const SLACK = 1 + 1e-9

/**
 * Why the counts of a numeric label cannot be those of `rows` rows, or `undefined`. Each sum lies within what the bins allow, and
 * within what the others do: no error is larger than its label leaves room for in the range, and a sum of squares is no smaller
 * than that of equal values (Cauchy and Schwarz).
 */
export function invalidNumeric(
  counts: Record<string, unknown>,
  rows: number,
  range: LabelRange,
  bins: number,
): string | undefined {
  const unknown = unknownKey(counts, ['min', 'max', ...sums, 'errorBins'])
  if (unknown !== undefined) return unknown
  if (counts.min !== range.min || counts.max !== range.max) return 'min and max are not the range of the plan’s label'
  if (rows > MOST_NUMERIC_ROWS) return `rows is above ${MOST_NUMERIC_ROWS}, the most of a numeric label`
  const [over, under, squares, labels, squaredLabels] = sums.map((field) => counts[field])
  if (!isCount(over) || !isCount(under) || !isCount(squares) || !isCount(labels) || !isCount(squaredLabels)) {
    return `${sums.find((field) => !isCount(counts[field]))} is not a whole number from 0 on`
  }
  const { errorBins } = counts
  if (!isCounts(errorBins, bins)) return `errorBins is not ${bins} whole numbers from 0 on`
  return wrongBins(errorBins, rows, over + under, squares) ?? wrongLabels({ rows, over, under, labels, squaredLabels })
}

function wrongBins(errorBins: readonly number[], rows: number, errors: number, squares: number): string | undefined {
  const bins = errorBins.length
  let [all, leastSum, mostSum, leastSquares, mostSquares] = [0, 0, 0, 0, 0]
  errorBins.forEach((count, bin) => {
    if (count === 0) return
    const [least, most] = binMicros(bin, bins)
    all += count
    leastSum += count * least
    mostSum += count * most
    leastSquares += count * squareOf(least)
    mostSquares += count * squareOf(most)
  })
  if (all !== rows) return 'errorBins does not add up to rows'
  if (errors < leastSum || errors > mostSum) return 'overMicros and underMicros are not of these errorBins'
  if (squares < leastSquares || squares > mostSquares) return 'squaredErrors is not of these errorBins'
  return squares < leastSquare(errors, rows) ? 'squaredErrors is less than errors of this sum have' : undefined
}

function wrongLabels(sum: {
  readonly rows: number
  readonly over: number
  readonly under: number
  readonly labels: number
  readonly squaredLabels: number
}): string | undefined {
  const { rows, over, under, labels, squaredLabels } = sum
  if (labels > rows * RANGE_UNITS) return 'labelMicros is above the range of the label'
  // No label is larger than 1, so no square is larger than its label.
  if (squaredLabels > (labels * SQUARE_UNITS) / RANGE_UNITS + rows * ROUNDED) return 'squaredLabels is above the labels'
  if (squaredLabels < leastSquare(labels, rows)) return 'squaredLabels is less than labels of this sum have'
  if (under > labels) return 'underMicros is more than the labels leave room for'
  if (over > rows * RANGE_UNITS - labels) return 'overMicros is more than the labels leave room for'
  return undefined
}

/** The least sum of squares of so many values with a sum, all equal, each rounded down. */
function leastSquare(sum: number, rows: number): number {
  if (rows === 0) return 0
  return (SQUARE_UNITS * (sum / RANGE_UNITS) ** 2) / rows / SLACK - rows * ROUNDED
}

export function unknownKey(counts: Record<string, unknown>, known: readonly string[]): string | undefined {
  const keys = ['task', 'rows', ...known]
  const unknown = Object.keys(counts).find((key) => !keys.includes(key))
  return unknown === undefined ? undefined : `${unknown.slice(0, 50)} is no field of these counts`
}

export function isCounts(value: unknown, length: number): value is readonly number[] {
  return Array.isArray(value) && value.length === length && value.every(isCount)
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
