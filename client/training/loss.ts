import { RANGE_UNITS } from '../../core/metrics/numeric.ts'
import type { Training } from '../../core/plan/training.ts'
import type { Dataset } from '../data/dataset.ts'

/**
 * Gives the sum of the losses over a batch, and writes the gradient of that sum over `divisor`, by default of the mean, with
 * respect to the outputs into `gradient` (both row-major rows × units; one label per row). No memory is taken.
 */
export type BatchLoss = (outputs: Float32Array, labels: Int32Array, gradient: Float32Array, divisor?: number) => number

/**
 * The loss of a data set's label: cross-entropy, or `loss` for a numeric one, of errors e as shares of the label's range:
 *
 * - `mse` (the default): e²;
 * - `huber`: e²/2 up to δ, δ·(|e| − δ/2) beyond it (Huber, Annals of Mathematical Statistics 35(1), 1964).
 */
export function lossFor(
  { classes, numeric }: Pick<Dataset, 'classes' | 'numeric'>,
  loss: Training['loss'] = 'mse',
): BatchLoss {
  if (numeric === undefined) return crossEntropyOf(classes)
  return loss === 'mse' ? squaredError : huberOf(loss.huber.delta / (numeric.max - numeric.min))
}

/**
 * Cross-entropy of logits in double precision: sigmoid for one unit, softmax for more. A float32 tape loses the loss of a
 * row that is clearly right or wrong; here it is exact at any size of logit. Labels are 0 or 1 for one unit, 0 … units − 1 else.
 */
export function crossEntropyOf(units: number): BatchLoss {
  return units === 1
    ? sigmoidCrossEntropy
    : (logits, labels, gradient, divisor) => softmaxCrossEntropy(logits, labels, gradient, units, divisor)
}

function squaredError(
  outputs: Float32Array,
  labels: Int32Array,
  gradient: Float32Array,
  divisor = labels.length,
): number {
  const rows = labels.length
  let sum = 0
  for (let i = 0; i < rows; i++) {
    const error = errorOf(outputs, labels, i)
    sum += error * error
    gradient[i] = (2 * error) / divisor
  }
  return sum
}

function huberOf(delta: number): BatchLoss {
  return (outputs, labels, gradient, divisor = labels.length) => {
    const rows = labels.length
    let sum = 0
    for (let i = 0; i < rows; i++) {
      const error = errorOf(outputs, labels, i)
      const size = Math.abs(error)
      const isSmall = size <= delta
      sum += isSmall ? (error * error) / 2 : delta * (size - delta / 2)
      gradient[i] = (isSmall ? error : delta * Math.sign(error)) / divisor
    }
    return sum
  }
}

function errorOf(outputs: Float32Array, labels: Int32Array, row: number): number {
  return (outputs[row] as number) - (labels[row] as number) / RANGE_UNITS
}

function sigmoidCrossEntropy(
  logits: Float32Array,
  labels: Int32Array,
  gradient: Float32Array,
  divisor = labels.length,
): number {
  const rows = labels.length
  let sum = 0
  for (let i = 0; i < rows; i++) {
    const z = logits[i] as number
    const y = labels[i] as number
    sum += Math.max(z, 0) - z * y + Math.log1p(Math.exp(-Math.abs(z)))
    gradient[i] = (sigmoid(z) - y) / divisor
  }
  return sum
}

function softmaxCrossEntropy(
  logits: Float32Array,
  labels: Int32Array,
  gradient: Float32Array,
  units: number,
  divisor = labels.length,
): number {
  const rows = labels.length
  let sum = 0
  for (let i = 0; i < rows; i++) {
    const begin = i * units
    const total = logSumExp(logits, begin, units)
    const label = labels[i] as number
    sum += total - (logits[begin + label] as number)
    for (let k = 0; k < units; k++) {
      const probability = Math.exp((logits[begin + k] as number) - total)
      gradient[begin + k] = (probability - (k === label ? 1 : 0)) / divisor
    }
  }
  return sum
}

/** The probabilities that the model gives: of the positive class for one unit, else of each class. */
export function probabilities(logits: Float32Array, units: number): Float64Array {
  if (units === 1) return Float64Array.from(logits, sigmoid)
  const all = new Float64Array(logits.length)
  for (let start = 0; start < logits.length; start += units) {
    const total = logSumExp(logits, start, units)
    for (let k = start; k < start + units; k++) all[k] = Math.exp((logits[k] as number) - total)
  }
  return all
}

function sigmoid(z: number): number {
  return 1 / (1 + Math.exp(-z))
}

function logSumExp(values: Float32Array, begin: number, units: number): number {
  let largest = Number.NEGATIVE_INFINITY
  for (let k = begin; k < begin + units; k++) largest = Math.max(largest, values[k] as number)
  let sum = 0
  for (let k = begin; k < begin + units; k++) sum += Math.exp((values[k] as number) - largest)
  return largest + Math.log(sum)
}
