import { unsupported } from '../../tfjs/topology-check.ts'
import { shownShape, sizeOf } from '../shapes.ts'
import {
  beyond,
  isWhole,
  misfit,
  needChannelsLast,
  onlyInput,
  type ReadLayer,
  setting,
  weight,
  whole,
  wrong,
} from './layer.ts'

export const flatten: ReadLayer = (layer) => {
  needChannelsLast(layer)
  const input = onlyInput(layer)
  if (input.length < 2) throw misfit(layer, 'it needs 2 axes or more')
  return { op: { kind: 'reshape' }, output: [sizeOf(input)], tensors: [] }
}

/** One axis of the target may be open: −1 or null. */
export const reshape: ReadLayer = (layer) => {
  const size = sizeOf(onlyInput(layer))
  const target = setting(layer, 'target_shape')
  if (!Array.isArray(target)) throw wrong(layer, 'target_shape', 'a list of sizes')
  const axes: (number | undefined)[] = target.map((axis: unknown) => {
    if (axis === null || (typeof axis === 'number' && axis < 0)) return undefined
    if (!isWhole(axis)) throw wrong(layer, 'target_shape', 'a list of sizes')
    return axis
  })
  const known = axes.reduce<number>((product, axis) => product * (axis ?? 1), 1)
  const open = axes.filter((axis) => axis === undefined).length
  if (open > 1 || (open === 0 ? size !== known : size % known !== 0)) {
    throw misfit(layer, `its target is ${target.map((axis: unknown) => axis ?? -1).join(' × ')}`)
  }
  return { op: { kind: 'reshape' }, output: axes.map((axis) => axis ?? size / known), tensors: [] }
}

export const embedding: ReadLayer = (layer) => {
  const input = onlyInput(layer)
  if (setting(layer, 'mask_zero') === true) throw beyond(layer, 'has mask_zero')
  if ((setting(layer, 'dtype') ?? 'float32') !== 'float32') throw beyond(layer, 'is not of float32')
  const length = setting(layer, 'input_length')
  if (length !== undefined) {
    const axes: readonly unknown[] = [length].flat()
    const fits = axes.length === input.length && axes.every((axis, i) => axis === null || axis === input[i])
    if (!fits) throw misfit(layer, `its input_length is ${axes.join(' × ')}`)
  }
  const vocabulary = whole(layer, 'input_dim')
  const units = whole(layer, 'output_dim')
  const table = weight(layer, 'embeddings', [vocabulary, units], 'glorot')
  return {
    op: { kind: 'embedding', positions: sizeOf(input), vocabulary, units, table: table.name },
    output: [...input, units],
    tensors: [table],
  }
}

export const add: ReadLayer = (layer) => {
  const [first, ...others] = layer.inputs
  if (first === undefined || others.length === 0)
    throw unsupported(`the layer ${layer.name} adds up two inputs or more`)
  const same = others.every((shape) => shownShape(shape) === shownShape(first))
  if (same) return { op: { kind: 'add' }, output: first, tensors: [] }
  const rank = Math.max(...layer.inputs.map((shape) => shape.length))
  for (let axis = 1; axis <= rank; axis++) {
    const sizes = new Set(layer.inputs.map((shape) => shape.at(-axis) ?? 1))
    sizes.delete(1)
    if (sizes.size > 1) throw misfit(layer, 'they differ')
  }
  throw beyond(layer, 'repeats an input that is smaller than another')
}
