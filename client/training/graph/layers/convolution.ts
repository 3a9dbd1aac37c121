import type { StartingTensor } from '../../starting-tensor.ts'
import type { Image, Window } from '../graph.ts'
import { windowOver } from '../shapes.ts'
import { activationOf } from './activation.ts'
import {
  beyond,
  flag,
  inputOfRank,
  type Layer,
  misfit,
  needChannelsLast,
  paddingOf,
  type ReadLayer,
  weight,
  whole,
  wholes,
} from './layer.ts'

export const conv2d: ReadLayer = (layer) => {
  needPlain(layer, 2)
  const [height, width, channels] = inputOfRank<Image>(layer, 3)
  const filters = whole(layer, 'filters')
  const size = wholes(layer, 'kernel_size', 2)
  const window = windowOver(
    [height, width, channels],
    size,
    wholes(layer, 'strides', 2, [1, 1]),
    paddingOf(layer),
    filters,
  )
  const kernel = weight(layer, 'kernel', [...size, channels, filters], 'glorot')
  const { weights, ...made } = convolution(layer, window, kernel)
  return { ...made, op: { kind: 'conv2d', ...weights }, output: window.output }
}

/** The same as a convolution over images of one column; its kernel has the same values in the same order. */
export const conv1d: ReadLayer = (layer) => {
  needPlain(layer, 1)
  const [length, channels] = inputOfRank<readonly [number, number]>(layer, 2)
  const filters = whole(layer, 'filters')
  const [size] = wholes(layer, 'kernel_size', 1)
  const [stride] = wholes(layer, 'strides', 1, [1])
  const window = windowOver([length, 1, channels], [size, 1], [stride, 1], paddingOf(layer), filters)
  const kernel = weight(layer, 'kernel', [size, channels, filters], 'glorot')
  const { weights, ...made } = convolution(layer, window, kernel)
  return { ...made, op: { kind: 'conv2d', ...weights }, output: [window.output[0], filters] }
}

export const depthwiseConv2d: ReadLayer = (layer) => {
  needPlain(layer, 2)
  const [height, width, channels] = inputOfRank<Image>(layer, 3)
  const multiplier = whole(layer, 'depth_multiplier', 1)
  const size = wholes(layer, 'kernel_size', 2)
  const strides = wholes(layer, 'strides', 2, [1, 1])
  const window = windowOver([height, width, channels], size, strides, paddingOf(layer), channels * multiplier)
  const kernel = weight(layer, 'depthwise_kernel', [...size, channels, multiplier], 'glorot')
  const { weights, ...made } = convolution(layer, window, kernel)
  return { ...made, op: { kind: 'depthwise-conv2d', multiplier, ...weights }, output: window.output }
}

function convolution(layer: Layer, window: Window, kernel: StartingTensor) {
  needPlaces(layer, window)
  const bias = flag(layer, 'use_bias', true) ? weight(layer, 'bias', [window.output[2]], 'zeros') : undefined
  return {
    weights: { window, kernel: kernel.name, bias: bias?.name, activation: activationOf(layer) },
    tensors: bias === undefined ? [kernel] : [kernel, bias],
  }
}

/** Throws where the window is larger than what it goes over. */
export function needPlaces(layer: Layer, { output, size }: Window): void {
  if (Math.min(output[0], output[1]) < 1) throw misfit(layer, `its window of ${size.join(' × ')} is larger`)
}

function needPlain(layer: Layer, axes: 1 | 2): void {
  needChannelsLast(layer)
  const dilations = axes === 1 ? wholes(layer, 'dilation_rate', 1, [1]) : wholes(layer, 'dilation_rate', 2, [1, 1])
  if (dilations.some((dilation) => dilation !== 1)) throw beyond(layer, 'has a dilation_rate')
}
