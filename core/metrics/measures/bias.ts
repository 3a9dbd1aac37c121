import { meanInterval } from '../confidence/unit-interval.ts'
import { type Metric, numericOnly, numericSpread, scaled } from '../metric.ts'
import { RANGE_UNITS, SQUARE_UNITS } from '../numeric.ts'

/** The mean error without its sign, in the unit of the label: how far predictions are off to one side. */
export const bias: Metric = {
  better: 'lower',
  range: [0, Number.POSITIVE_INFINITY],
  value: numericOnly(({ overMicros, underMicros, rows, min, max }) => {
    return (Math.abs(overMicros - underMicros) / RANGE_UNITS / rows) * (max - min)
  }),
  // Of errors e in [−1, 1], (1 + e)/2 lies in [0, 1], and its square is (1 + 2e + e²)/4.
  spread: numericSpread(({ overMicros, underMicros, squaredErrors, rows, min, max }, alpha) => {
    const error = (overMicros - underMicros) / RANGE_UNITS / rows
    const square = (squaredErrors / rows + 0.5) / SQUARE_UNITS
    // The lower bound has to hold on either side of 0.
    const [own, both] = [alpha, alpha / 2].map((one) =>
      meanInterval((1 + error) / 2, (1 + 2 * error + square) / 4, rows, one),
    )
    if (own === undefined || both === undefined) return undefined
    const low = Math.max(0, 2 * both.low - 1, 1 - 2 * both.high)
    const high = Math.max(1 - 2 * own.low, 2 * own.high - 1)
    return scaled({ low, high }, max - min)
  }),
}
