/** The distinct values of a column, each with its rows: numbers ascending, then text by code units. */
export function groupsOf(
  column: ArrayLike<number | string>,
): { readonly value: number | string; readonly rows: Uint32Array }[] {
  const found = new Map<number | string, number[]>()
  for (let row = 0; row < column.length; row++) {
    const value = column[row] as number | string
    const rows = found.get(value)
    if (rows === undefined) found.set(value, [row])
    else rows.push(row)
  }
  return [...found].sort(([a], [b]) => compare(a, b)).map(([value, rows]) => ({ value, rows: Uint32Array.from(rows) }))
}

function compare(a: number | string, b: number | string): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  if (typeof a !== typeof b) return typeof a === 'number' ? -1 : 1
  return a < b ? -1 : 1
}
