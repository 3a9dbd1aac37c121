import { ParleyError } from '../../../../core/errors/index.ts'
import type { TrainingKernels } from '../../../../kernels/training/exports.ts'
import type { ActivationKind } from '../../graph/graph.ts'

/** Activations whose slope follows from their output, so that what went into them need not be kept. */
export function isFused(activation: ActivationKind): boolean {
  return activation !== 'gelu' && activation !== 'softmax'
}

/** y ← activation(y), `count` values. */
export function activate(kernels: TrainingKernels, activation: ActivationKind, y: number, count: number): void {
  if (activation !== 'linear') throw new ParleyError('internal', `${activation} ${y} ${count} ${kernels}`)
}

/** d ← d · slope, from the output y of the activation; `count` values each. */
export function multiplyBySlope(
  kernels: TrainingKernels,
  activation: ActivationKind,
  d: number,
  y: number,
  count: number,
): void {
  if (activation === 'relu') kernels.reluSlope(d, y, count)
}
