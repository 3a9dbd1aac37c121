import { multiplyMode, type TrainingKernels } from '../../../../kernels/training/exports.ts'

export type Products = {
  /** Of one row of the batch. */
  readonly positions: number
  readonly inputs: number
  readonly units: number
  readonly hasBias: boolean
  /** Addresses of inputs and of gradients before the activation, rows × positions × inputs or units. */
  readonly x: number
  readonly d: number
  /** Room for (inputs + 1) × units values. */
  readonly scratch: number
}

/**
 * Adds to norms[i] the square of the norm of row i's gradient Xᵢᵀ·Dᵢ of a kernel, and of its bias. With one position that is
 * ‖x‖²·‖d‖², and no gradient of a single row is ever made (Goodfellow, Efficient per-example gradient computations, 2015); with
 * more it is made for one row at a time.
 */
export function addSquaredNormsOfProducts(
  kernels: TrainingKernels,
  { positions, inputs, units, hasBias, x, d, scratch }: Products,
  rows: number,
  norms: Float64Array,
): void {
  for (let row = 0; row < rows; row++) {
    const from = x + 4 * row * positions * inputs
    const by = d + 4 * row * positions * units
    if (positions === 1) {
      const own = kernels.squaredNorm(from, inputs) + (hasBias ? 1 : 0)
      norms[row] = (norms[row] as number) + own * kernels.squaredNorm(by, units)
      continue
    }
    kernels.multiplyTransposed(from, 4 * inputs, by, 4 * units, scratch, positions, inputs, units, multiplyMode.set, 1)
    let count = inputs * units
    if (hasBias) {
      kernels.columnSums(by, positions, units, scratch + 4 * count, 0, 1)
      count += units
    }
    norms[row] = (norms[row] as number) + kernels.squaredNorm(scratch, count)
  }
}
