import { positionsOf } from '../shapes.ts'
import { activationOf } from './activation.ts'
import { flag, lastAxis, onlyInput, type ReadLayer, weight, whole } from './layer.ts'

export const dense: ReadLayer = (layer) => {
  const input = onlyInput(layer)
  const inputs = lastAxis(layer)
  const units = whole(layer, 'units')
  const kernel = weight(layer, 'kernel', [inputs, units], 'glorot')
  const bias = flag(layer, 'use_bias', true) ? weight(layer, 'bias', [units], 'zeros') : undefined
  return {
    op: {
      kind: 'dense',
      positions: positionsOf(input),
      inputs,
      units,
      kernel: kernel.name,
      bias: bias?.name,
      activation: activationOf(layer),
    },
    output: [...input.slice(0, -1), units],
    tensors: bias === undefined ? [kernel] : [kernel, bias],
  }
}
