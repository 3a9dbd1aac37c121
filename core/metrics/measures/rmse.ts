import { type Metric, numericOnly, numericSpread, scaled } from '../metric.ts'
import { meanSquare, squareInterval } from './mse.ts'

/** Root of the mean squared error, in the unit of the label; its bounds are the roots of those. */
export const rmse: Metric = {
  better: 'lower',
  range: [0, Number.POSITIVE_INFINITY],
  value: numericOnly((counts) => Math.sqrt(meanSquare(counts)) * (counts.max - counts.min)),
  spread: numericSpread((counts, alpha) => {
    const square = squareInterval(counts, alpha)
    if (square === undefined) return undefined
    return scaled({ low: Math.sqrt(square.low), high: Math.sqrt(square.high) }, counts.max - counts.min)
  }),
}
