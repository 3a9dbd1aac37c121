import { positionsOf } from '../shapes.ts'
import {
  beyond,
  flag,
  isWhole,
  type Layer,
  lastAxis,
  misfit,
  onlyInput,
  type ReadLayer,
  setting,
  weight,
  wrong,
} from './layer.ts'

/** Keras' default, for both. */
const EPSILON = 1e-3

export const layerNormalization: ReadLayer = (layer) => {
  needLastAxis(layer)
  const output = onlyInput(layer)
  const units = lastAxis(layer)
  const { gamma, beta, tensors } = scaleAndShift(layer, units)
  const op = {
    kind: 'layer-norm',
    positions: positionsOf(output),
    units,
    epsilon: epsilonOf(layer),
    gamma,
    beta,
  } as const
  return { op, output, tensors }
}

/** As in Keras 3: 32 groups by default, and −1 is a group for each channel. */
export const groupNormalization: ReadLayer = (layer) => {
  needLastAxis(layer)
  const output = onlyInput(layer)
  const channels = lastAxis(layer)
  const given = setting(layer, 'groups') ?? 32
  const groups = given === -1 ? channels : given
  if (!isWhole(groups)) throw wrong(layer, 'groups', 'a whole number from 1 on, or -1')
  if (channels % groups !== 0) throw misfit(layer, `${channels} channels do not make ${groups} groups`)
  const { gamma, beta, tensors } = scaleAndShift(layer, channels)
  const positions = positionsOf(output)
  return {
    op: { kind: 'group-norm', positions, channels, groups, epsilon: epsilonOf(layer), gamma, beta },
    output,
    tensors,
  }
}

function scaleAndShift(layer: Layer, units: number) {
  const gamma = flag(layer, 'scale', true) ? weight(layer, 'gamma', [units], 'ones') : undefined
  const beta = flag(layer, 'center', true) ? weight(layer, 'beta', [units], 'zeros') : undefined
  const tensors = [gamma, beta].filter((tensor) => tensor !== undefined)
  return { gamma: gamma?.name, beta: beta?.name, tensors }
}

function epsilonOf(layer: Layer): number {
  const epsilon = setting(layer, 'epsilon') ?? EPSILON
  if (typeof epsilon !== 'number' || !(epsilon > 0)) throw wrong(layer, 'epsilon', 'a number above 0')
  return epsilon
}

/** The axis of rows counts as axis 0. */
function needLastAxis(layer: Layer): void {
  const axis = [setting(layer, 'axis') ?? -1].flat()
  if (axis.length !== 1 || (axis[0] !== -1 && axis[0] !== onlyInput(layer).length)) {
    throw beyond(layer, 'is not over the last axis')
  }
}
