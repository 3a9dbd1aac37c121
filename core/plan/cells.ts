import type { Cell } from './data.ts'

/** What two cells must share to be equal: their number, or else their text. */
export function cellKey(cell: Cell): string | number {
  return typeof cell === 'number' ? cell : (parseNumber(cell) ?? cell)
}

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/

/** A decimal number with a point, or `undefined`: `0x10`, `1,5`, `NaN` and the empty text are none. */
export function parseNumber(cell: string): number | undefined {
  if (!DECIMAL.test(cell)) return undefined
  const value = Number(cell)
  return Number.isFinite(value) ? value : undefined
}
