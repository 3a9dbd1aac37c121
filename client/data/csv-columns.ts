import type { LabelRange } from '../../core/metrics/counts.ts'
import { RANGE_UNITS } from '../../core/metrics/numeric.ts'
import { cellKey, parseNumber } from '../../core/plan/cells.ts'
import type { CategoryColumn, Cell, Csv, NumberColumn } from '../../core/plan/data.ts'
import { columnWidth } from '../../core/plan/data.ts'

/**
 * How one cell is read: the values that it becomes, the reason why it makes its row a bad row, or `missing`: NaN stands in
 * its place until the column's mean is known.
 */
export type CellResult = { readonly values: readonly number[] } | { readonly bad: string }

export type CellReader = (cell: string) => CellResult

export const MISSING = 'missing value'

/** A reader for the cells of a feature column. */
export function featureReader(column: NumberColumn | CategoryColumn, missing: ReadonlySet<string>): CellReader {
  return column.type === 'number' ? numberReader(column, missing) : categoryReader(column, missing)
}

function numberReader(column: NumberColumn, missing: ReadonlySet<string>): CellReader {
  const absent: CellResult = column.missing === 'drop-row' ? { bad: MISSING } : { values: [valueOfMissing(column)] }
  return (cell) => {
    if (missing.has(cell)) return absent
    const value = parseNumber(cell)
    if (value === undefined) return { bad: 'not a number' }
    if (value < (column.min ?? value) || value > (column.max ?? value)) return { bad: 'out of range' }
    return { values: [value] }
  }
}

function valueOfMissing({ missing }: NumberColumn): number {
  return typeof missing === 'number' ? missing : Number.NaN
}

function categoryReader(column: CategoryColumn, missing: ReadonlySet<string>): CellReader {
  const zeros = new Array<number>(columnWidth(column)).fill(0)
  const absent: CellResult = column.missing === 'drop-row' ? { bad: MISSING } : { values: zeros }
  const skipped = column.dropFirst ? 1 : 0
  const place = placesOf(column.values)
  return (cell) => {
    if (missing.has(cell)) return absent
    const index = place.get(cellKey(cell))
    if (index === undefined) return { bad: 'unknown category' }
    return { values: zeros.map((_, i) => (i === index - skipped ? 1 : 0)) }
  }
}

/** A reader for the cells of the label column: one value, 0 or 1, or the index of the class, or millionths of the range. */
export function labelReader(label: Csv['label'], missing: ReadonlySet<string>): CellReader {
  const read = valueReader(label)
  return (cell) => (missing.has(cell) ? { bad: 'missing label' } : read(cell))
}

function valueReader(label: Csv['label']): CellReader {
  if ('numeric' in label) return numericReader(label.numeric)
  return 'classes' in label ? classOf(label.classes) : positiveOf(label.positive)
}

function numericReader({ min, max }: LabelRange): CellReader {
  return (cell) => {
    const value = parseNumber(cell)
    if (value === undefined) return { bad: 'not a number' }
    if (value < min || value > max) return { bad: 'out of range' }
    return { values: [Math.round(((value - min) / (max - min)) * RANGE_UNITS)] }
  }
}

function classOf(classes: readonly Cell[]): CellReader {
  const place = placesOf(classes)
  return (cell) => {
    const index = place.get(cellKey(cell))
    return index === undefined ? { bad: 'unknown class' } : { values: [index] }
  }
}

function positiveOf(positive: Extract<Csv['label'], { positive: unknown }>['positive']): CellReader {
  if ('values' in positive) {
    const place = placesOf(positive.values)
    return (cell) => ({ values: [place.has(cellKey(cell)) ? 1 : 0] })
  }
  return (cell) => {
    const value = parseNumber(cell)
    return value === undefined ? { bad: 'not a number' } : { values: [value > positive.above ? 1 : 0] }
  }
}

function placesOf(values: readonly Cell[]): Map<string | number, number> {
  return new Map(values.map((value, i) => [cellKey(value), i]))
}
