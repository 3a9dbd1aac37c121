import { RANGE_UNITS } from '../../core/metrics/numeric.ts'
import type { Training } from '../../core/plan/training.ts'
import type { Dataset } from '../data/dataset.ts'

/** Sum of the losses over a batch, and the gradient of their mean with respect to the outputs. */
export type BatchLoss = {
  readonly sum: number
  /** Row-major rows × units. */
  readonly gradient: Float32Array
}

/**
 * The loss of a data set's label: cross-entropy, or `loss` for a numeric one, of errors e as shares of the label's range:
 *
 * - `mse` (the default): e²;
 * - `huber`: e²/2 up to δ, δ·(|e| − δ/2) beyond it (Huber, Annals of Mathematical Statistics 35(1), 1964).
 */
export function lossFor(
  { classes, numeric }: Pick<Dataset, 'classes' | 'numeric'>,
  loss: Training['loss'] = 'mse',
): (outputs: Float32Array, labels: Int32Array) => BatchLoss {
  if (numeric === undefined) return (logits, labels) => crossEntropy(logits, labels, classes)
  if (loss === 'mse') return (outputs, labels) => overErrors(outputs, labels, (error) => [error * error, 2 * error])
  const delta = loss.huber.delta / (numeric.max - numeric.min)
  return (outputs, labels) =>
    overErrors(outputs, labels, (error) => {
      const size = Math.abs(error)
      return size <= delta ? [(error * error) / 2, error] : [delta * (size - delta / 2), delta * Math.sign(error)]
    })
}

/** `of`: the loss of an error, and its derivative. */
function overErrors(
  outputs: Float32Array,
  labels: Int32Array,
  of: (error: number) => readonly [loss: number, slope: number],
): BatchLoss {
  const rows = labels.length
  const gradient = new Float32Array(rows)
  let sum = 0
  for (let i = 0; i < rows; i++) {
    const [loss, slope] = of((outputs[i] as number) - (labels[i] as number) / RANGE_UNITS)
    sum += loss
    gradient[i] = slope / rows
  }
  return { sum, gradient }
}

/**
 * Cross-entropy of logits in double precision: sigmoid for one unit, softmax for more. A float32 tape loses the loss of a
 * row that is clearly right or wrong; here it is exact at any size of logit.
 *
 * - `logits`: row-major rows × units;
 * - `labels`: one per row, 0 or 1 for one unit, 0 … units − 1 else.
 */
export function crossEntropy(logits: Float32Array, labels: Int32Array, units: number): BatchLoss {
  return units === 1 ? sigmoidCrossEntropy(logits, labels) : softmaxCrossEntropy(logits, labels, units)
}

function sigmoidCrossEntropy(logits: Float32Array, labels: Int32Array): BatchLoss {
  const rows = labels.length
  const gradient = new Float32Array(rows)
  let sum = 0
  for (let i = 0; i < rows; i++) {
    const z = logits[i] as number
    const y = labels[i] as number
    sum += Math.max(z, 0) - z * y + Math.log1p(Math.exp(-Math.abs(z)))
    gradient[i] = (sigmoid(z) - y) / rows
  }
  return { sum, gradient }
}

function softmaxCrossEntropy(logits: Float32Array, labels: Int32Array, units: number): BatchLoss {
  const rows = labels.length
  const gradient = new Float32Array(rows * units)
  let sum = 0
  for (let i = 0; i < rows; i++) {
    const row = logits.subarray(i * units, (i + 1) * units)
    const probabilities = softmax(row)
    const label = labels[i] as number
    sum += logSumExp(row) - (row[label] as number)
    for (let k = 0; k < units; k++) {
      gradient[i * units + k] = ((probabilities[k] as number) - (k === label ? 1 : 0)) / rows
    }
  }
  return { sum, gradient }
}

/** The probabilities that the model gives: of the positive class for one unit, else of each class. */
export function probabilities(logits: Float32Array, units: number): Float64Array {
  if (units === 1) return Float64Array.from(logits, sigmoid)
  const all = new Float64Array(logits.length)
  for (let start = 0; start < logits.length; start += units) {
    all.set(softmax(logits.subarray(start, start + units)), start)
  }
  return all
}

function sigmoid(z: number): number {
  return 1 / (1 + Math.exp(-z))
}

function softmax(row: Float32Array): Float64Array {
  const total = logSumExp(row)
  return Float64Array.from(row, (z) => Math.exp(z - total))
}

function logSumExp(row: Float32Array): number {
  let largest = Number.NEGATIVE_INFINITY
  for (const z of row) largest = Math.max(largest, z)
  let sum = 0
  for (const z of row) sum += Math.exp(z - largest)
  return largest + Math.log(sum)
}
