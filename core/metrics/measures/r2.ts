import { type Metric, numericOnly } from '../metric.ts'
import { RANGE_UNITS, SQUARE_UNITS } from '../numeric.ts'

/**
 * Coefficient of determination: 1 − Σ(y − ŷ)² / Σ(y − ȳ)², with ȳ the mean label of the same rows; below 0 for a model that does
 * worse than that mean. Null where labels differ by less than a ten-thousandth of their range. How errors and labels vary
 * together is not counted, so it has no interval.
 */
export const r2: Metric = {
  better: 'higher',
  range: [Number.NEGATIVE_INFINITY, 1],
  value: numericOnly(({ squaredErrors, squaredLabels, labelMicros, rows }) => {
    const spread = squaredLabels - SQUARE_UNITS * (labelMicros / RANGE_UNITS) * (labelMicros / RANGE_UNITS / rows)
    return spread <= rows ? null : 1 - squaredErrors / spread
  }),
  spread: 'none',
}
