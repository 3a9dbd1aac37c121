import { meanInterval } from '../confidence/unit-interval.ts'
import type { NumericCounts } from '../counts.ts'
import { type Interval, type Metric, numericOnly, numericSpread, scaled } from '../metric.ts'
import { binEnds, SQUARE_UNITS } from '../numeric.ts'

/** Mean squared error, in the squared unit of the label. */
export const mse: Metric = {
  better: 'lower',
  range: [0, Number.POSITIVE_INFINITY],
  value: numericOnly((counts) => meanSquare(counts) * (counts.max - counts.min) ** 2),
  spread: numericSpread((counts, alpha) => scaled(squareInterval(counts, alpha), (counts.max - counts.min) ** 2)),
}

/** As a share of the squared range. */
export function meanSquare({ squaredErrors, rows }: NumericCounts): number {
  return squaredErrors / SQUARE_UNITS / rows
}

/**
 * Bounds of `meanSquare`. How squared errors vary depends on fourth powers, which are not sent; each row’s is at most that of the
 * upper end of its bin, which makes the variance a little too large and the bounds a little too wide.
 */
export function squareInterval(counts: NumericCounts, alpha: number): Interval | undefined {
  const { errorBins, rows } = counts
  const fourth = errorBins.reduce((sum, count, bin) => sum + count * binEnds(bin, errorBins.length)[1] ** 4, 0)
  return meanInterval(meanSquare(counts), fourth / rows, rows, alpha)
}
