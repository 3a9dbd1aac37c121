import type { Pair, Shape, Window } from './graph.ts'

/** Values of one example. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, size) => product * size, 1)
}

/** All axes but the last. */
export function positionsOf(shape: Shape): number {
  return sizeOf(shape.slice(0, -1))
}

/** For people: `28 × 28 × 1`. */
export function shownShape(shape: Shape): string {
  return shape.length === 0 ? 'one value' : shape.join(' × ')
}

export type Padding = 'same' | 'valid'

/**
 * How a window goes over an image, as TF.js and Keras have it: with `same` ⌈size / stride⌉ places, and the smaller half of what
 * is padded before the first row; with `valid` only places inside of the image, so there may be none (an output below 1).
 */
export function windowOver(
  [height, width, channels]: readonly [height: number, width: number, channels: number],
  size: Pair,
  strides: Pair,
  padding: Padding,
  outputChannels: number,
): Window {
  const vertical = along(height, size[0], strides[0], padding)
  const horizontal = along(width, size[1], strides[1], padding)
  return {
    input: [height, width, channels],
    output: [vertical.places, horizontal.places, outputChannels],
    size,
    strides,
    padding: [vertical.before, horizontal.before],
  }
}

function along(length: number, size: number, stride: number, padding: Padding): { places: number; before: number } {
  if (padding === 'valid') return { places: Math.floor((length - size) / stride) + 1, before: 0 }
  const places = Math.ceil(length / stride)
  return { places, before: Math.floor(Math.max(0, (places - 1) * stride + size - length) / 2) }
}
