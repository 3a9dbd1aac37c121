import type { ColumnReduction } from '../../core/aggregation/rule.ts'

/** What a column reduction means, as plainly as it can be said: for each coordinate, sort and average, in float64. */
export function reduceColumns(points: readonly Float64Array[], reduce: ColumnReduction): Float64Array {
  const length = points[0]?.length ?? 0
  return Float64Array.from({ length }, (_, j) => {
    const sorted = points.map((point) => point[j]!).sort((a, b) => a - b)
    return average(reduce.kind === 'trimmed-mean' ? trimmed(sorted, reduce.drop) : nearMedian(sorted, reduce.keep))
  })
}

function trimmed(sorted: readonly number[], drop: number): number[] {
  return sorted.slice(drop, sorted.length - drop)
}

/** Of two equally far values the smaller one comes first. */
function nearMedian(sorted: readonly number[], keep: number): number[] {
  const half = sorted.length / 2
  const median = (sorted[Math.ceil(half) - 1]! + sorted[Math.floor(half)]!) / 2
  const away = (value: number) => Math.abs(value - median)
  return sorted.toSorted((a, b) => away(a) - away(b) || a - b).slice(0, keep)
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
