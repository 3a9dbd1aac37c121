import { meanInterval } from '../confidence/unit-interval.ts'
import type { NumericCounts } from '../counts.ts'
import { type Metric, numericOnly, numericSpread, scaled } from '../metric.ts'
import { RANGE_UNITS, SQUARE_UNITS } from '../numeric.ts'

/** Mean absolute error, in the unit of the label. */
export const mae: Metric = {
  better: 'lower',
  range: [0, Number.POSITIVE_INFINITY],
  value: numericOnly((counts) => meanError(counts) * (counts.max - counts.min)),
  // Squares are rounded by half a unit at most, and a variance must not come out too small.
  spread: numericSpread((counts, alpha) => {
    const { rows, squaredErrors, min, max } = counts
    const square = (squaredErrors / rows + 0.5) / SQUARE_UNITS
    return scaled(meanInterval(meanError(counts), square, rows, alpha), max - min)
  }),
}

/** As a share of the range. */
function meanError({ overMicros, underMicros, rows }: NumericCounts): number {
  return (overMicros + underMicros) / RANGE_UNITS / rows
}
