import { ParleyError } from '../errors/index.ts'
import { type LabelRange, type NumericCounts, SCORE_BINS } from './counts.ts'
import { errorBin, RANGE_UNITS, squareOf } from './numeric.ts'

/**
 * Counts of a numeric label.
 *
 * - `outputs`: the model's predictions as shares of the label's range, one per row; one outside of [0, 1] counts as its end;
 * - `labels`: in millionths of the range, from 0 to 1,000,000, one per row;
 * - `bins`: of the sizes of errors.
 *
 * Fails with `engine.diverged` on a prediction that is not a number.
 */
export function countNumeric(
  outputs: ArrayLike<number>,
  labels: ArrayLike<number>,
  { min, max }: LabelRange,
  bins = SCORE_BINS,
): NumericCounts {
  const errorBins = new Array<number>(bins).fill(0)
  let [overMicros, underMicros, squaredErrors, labelMicros, squaredLabels] = [0, 0, 0, 0, 0]
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i] as number
    const error = microsOf(outputs[i]) - label
    const size = Math.abs(error)
    if (error > 0) overMicros += size
    else underMicros += size
    squaredErrors += squareOf(size)
    labelMicros += label
    squaredLabels += squareOf(label)
    const bin = errorBin(size, bins)
    errorBins[bin] = (errorBins[bin] as number) + 1
  }
  const sums = { overMicros, underMicros, squaredErrors, labelMicros, squaredLabels }
  return { task: 'regression', min, max, rows: labels.length, ...sums, errorBins }
}

function microsOf(output: number | undefined): number {
  if (output === undefined || Number.isNaN(output)) {
    throw new ParleyError('engine.diverged', 'the model gives a prediction that is not a number')
  }
  return Math.round(Math.min(1, Math.max(0, output)) * RANGE_UNITS)
}
