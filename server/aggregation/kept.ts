import { ascending, medianOf } from '../../core/aggregation/order.ts'
import type { ColumnReduction } from '../../core/aggregation/rule.ts'

/**
 * For each point the share of the sampled columns in which its value is among those that are averaged. `columns[k]` holds
 * the points' values in one coordinate. An estimate for the report: exact counts would cost as much as the rule itself.
 */
export function keptShares(columns: readonly Float32Array[], reduce: ColumnReduction): number[] {
  const counts = Array<number>(columns[0]?.length ?? 0).fill(0)
  for (const column of columns) {
    for (const point of keptIn(column, reduce)) counts[point] = (counts[point] as number) + 1
  }
  return counts.map((count) => count / columns.length)
}

function keptIn(column: Float32Array, reduce: ColumnReduction): readonly number[] {
  if (reduce.kind === 'trimmed-mean') return ascending(column).slice(reduce.drop, column.length - reduce.drop)
  const median = medianOf(column)
  return ascending(column.map((value) => Math.abs(value - median))).slice(0, reduce.keep)
}
