import type { Image, Shape } from '../graph.ts'
import { positionsOf, windowOver } from '../shapes.ts'
import { needPlaces } from './convolution.ts'
import { beyond, inputOfRank, lastAxis, needChannelsLast, paddingOf, type ReadLayer, setting, wholes } from './layer.ts'

type Kind = 'max' | 'average'

export const pool2d =
  (of: Kind): ReadLayer =>
  (layer) => {
    needChannelsLast(layer)
    const [height, width, channels] = inputOfRank<Image>(layer, 3)
    const size = wholes(layer, 'pool_size', 2, [2, 2])
    const window = windowOver(
      [height, width, channels],
      size,
      wholes(layer, 'strides', 2, size),
      paddingOf(layer),
      channels,
    )
    needPlaces(layer, window)
    return { op: { kind: 'pool', of, window }, output: window.output, tensors: [] }
  }

/** The same over images of one column. */
export const pool1d =
  (of: Kind): ReadLayer =>
  (layer) => {
    needChannelsLast(layer)
    const [length, channels] = inputOfRank<readonly [number, number]>(layer, 2)
    const [size] = wholes(layer, 'pool_size', 1, [2])
    const [stride] = wholes(layer, 'strides', 1, [size])
    const window = windowOver([length, 1, channels], [size, 1], [stride, 1], paddingOf(layer), channels)
    needPlaces(layer, window)
    return { op: { kind: 'pool', of, window }, output: [window.output[0], channels], tensors: [] }
  }

/** `rank`: axes of the input. */
export const globalPool =
  (of: Kind, rank: 2 | 3): ReadLayer =>
  (layer) => {
    needChannelsLast(layer)
    if (setting(layer, 'keepdims') === true) throw beyond(layer, 'has keepdims')
    const positions = positionsOf(inputOfRank<Shape>(layer, rank))
    const channels = lastAxis(layer)
    return { op: { kind: 'global-pool', of, positions, channels }, output: [channels], tensors: [] }
  }
