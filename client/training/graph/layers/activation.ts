import type { Applied } from '../builder.ts'
import type { ActivationKind } from '../graph.ts'
import { beyond, type Layer, lastAxis, onlyInput, type ReadLayer, setting } from './layer.ts'

const kinds: readonly ActivationKind[] = ['linear', 'relu', 'gelu', 'tanh', 'sigmoid', 'elu', 'softmax']

/** The activation in a layer's configuration; none is linear. */
export function activationOf(layer: Layer): ActivationKind {
  const name = setting(layer, 'activation') ?? 'linear'
  const kind = kinds.find((kind) => kind === name)
  if (kind === undefined)
    throw beyond(layer, `has the activation ${typeof name === 'string' ? name : JSON.stringify(name)}`)
  return kind
}

export const activation: ReadLayer = (layer) => applied(layer, activationOf(layer))

export const relu: ReadLayer = (layer) => {
  if (setting(layer, 'max_value') !== undefined) throw beyond(layer, 'has a max_value')
  return applied(layer, 'relu')
}

export const elu: ReadLayer = (layer) => {
  if ((setting(layer, 'alpha') ?? 1) !== 1) throw beyond(layer, 'has another alpha than 1')
  return applied(layer, 'elu')
}

export const softmax: ReadLayer = (layer) => {
  const rank = onlyInput(layer).length
  // As in TF.js the axis of rows counts as axis 0, and axis 1 is the default.
  const axis = [setting(layer, 'axis') ?? 1].flat()
  if (axis.length !== 1 || (axis[0] !== -1 && axis[0] !== rank)) throw beyond(layer, 'is not over the last axis')
  return applied(layer, 'softmax')
}

/** In evaluation it does nothing, and with the rates 0 and 1 neither in training, as in TF.js. */
export const dropout: ReadLayer = (layer) => {
  const rate = setting(layer, 'rate')
  if (setting(layer, 'noise_shape') !== undefined) throw beyond(layer, 'has a noise_shape')
  if (typeof rate !== 'number') throw beyond(layer, 'has no rate')
  const output = onlyInput(layer)
  return { op: rate > 0 && rate < 1 ? { kind: 'dropout', rate } : undefined, output, tensors: [] }
}

function applied(layer: Layer, activation: ActivationKind): Applied {
  const output = onlyInput(layer)
  if (activation === 'linear') return { op: undefined, output, tensors: [] }
  return { op: { kind: 'activation', activation, units: lastAxis(layer) }, output, tensors: [] }
}
