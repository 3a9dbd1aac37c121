import { ParleyError } from '../../../../core/errors/index.ts'
import type { TrainingKernels } from '../../../../kernels/training/exports.ts'
import type { ActivationKind, Op } from '../../graph/graph.ts'
import type { LayerKind } from '../layer.ts'

/** Activations whose slope follows from their output, so that what went into them need not be kept. */
export function isFused(activation: ActivationKind): boolean {
  return activation !== 'gelu' && activation !== 'softmax'
}

/** y ← activation(y), `count` values, of a fused activation. */
export function activate(kernels: TrainingKernels, activation: ActivationKind, y: number, count: number): void {
  if (activation !== 'linear') write(kernels, activation, y, y, count)
}

/** d ← d · slope, from the output y of a fused activation; `count` values each. */
export function multiplyBySlope(
  kernels: TrainingKernels,
  activation: ActivationKind,
  d: number,
  y: number,
  count: number,
): void {
  if (activation !== 'linear') writeSlope(kernels, activation, d, d, y, count)
}

/** By itself, of all kinds. */
export const activation: LayerKind<Op & { readonly kind: 'activation' }> = {
  build: ({ activation, units }, { inputs, output, outputGradient: d }, { kernels }) => {
    const [input = output] = inputs
    const x = input.address
    const y = output.address
    return {
      forward(rows) {
        const count = rows * output.size
        if (activation === 'softmax') kernels.softmaxValues(y, x, count / units, units)
        else if (activation === 'gelu') kernels.geluValues(y, x, count)
        else write(kernels, activation, y, x, count)
      },
      backward(rows, [to = 0]) {
        if (to === 0) return
        const count = rows * output.size
        if (activation === 'softmax') kernels.softmaxSlope(to, d, y, count / units, units)
        else if (activation === 'gelu') kernels.geluSlopeOfInput(to, d, x, count)
        else writeSlope(kernels, activation, to, d, y, count)
      },
    }
  },
}

function write(kernels: TrainingKernels, activation: ActivationKind, y: number, x: number, count: number): void {
  switch (activation) {
    case 'linear':
      return kernels.scaleVector(y, x, count, 1)
    case 'relu':
      return kernels.reluValues(y, x, count)
    case 'tanh':
      return kernels.tanhValues(y, x, count)
    case 'sigmoid':
      return kernels.sigmoidValues(y, x, count)
    case 'elu':
      return kernels.eluValues(y, x, count)
    case 'gelu':
    case 'softmax':
      throw notFused(activation)
  }
}

function writeSlope(
  kernels: TrainingKernels,
  activation: ActivationKind,
  to: number,
  d: number,
  y: number,
  count: number,
): void {
  switch (activation) {
    case 'linear':
      return kernels.scaleVector(to, d, count, 1)
    case 'relu':
      return kernels.reluSlope(to, d, y, count)
    case 'tanh':
      return kernels.tanhSlope(to, d, y, count)
    case 'sigmoid':
      return kernels.sigmoidSlope(to, d, y, count)
    case 'elu':
      return kernels.eluSlope(to, d, y, count)
    case 'gelu':
    case 'softmax':
      throw notFused(activation)
  }
}

function notFused(activation: ActivationKind): ParleyError {
  return new ParleyError('internal', `${activation} has no slope that follows from single outputs`)
}
