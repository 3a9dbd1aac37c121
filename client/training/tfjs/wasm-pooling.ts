import type { Core } from './load.ts'
import type { Attributes, Info, Kernel, WasmBackend } from './wasm-kernels.ts'

/**
 * dx of the maxima: each goes to the first place of its window that holds it. The shipped kernel looks for maxima from the least
 * positive number on: a window without a positive value would get no gradient.
 */
export function maxPoolGradient(tf: Core): Kernel {
  return gradient(tf, ({ first, last, below, beside, across }, channel, x, dx, dy) => {
    let place = first + channel
    for (let row = first + channel; row <= last + channel; row += below) {
      for (let at = row; at < row + across; at += beside) {
        if ((x[at] as number) > (x[place] as number)) place = at
      }
    }
    dx[place] = (dx[place] as number) + dy
  })
}

/** dx of the averages, which are over the places inside of the image; the shipped kernel divides by the whole window at the edges too. */
export function averagePoolGradient(tf: Core): Kernel {
  return gradient(tf, ({ first, last, below, beside, across, places }, channel, _, dx, dy) => {
    for (let row = first + channel; row <= last + channel; row += below) {
      for (let at = row; at < row + across; at += beside) dx[at] = (dx[at] as number) + dy / places
    }
  })
}

/** The part of a window that lies inside of its image, in its first channel; all but `places` in values of the batch of images. */
type Part = {
  readonly first: number
  /** Where its last row begins. */
  readonly last: number
  /** From a row to that below, from a place to that beside it, and how far its rows go. */
  readonly below: number
  readonly beside: number
  readonly across: number
  readonly places: number
}

/** Adds to `dx` what the gradient `dy` of one output means for the values `x` of its window in its channel. */
type Spread = (window: Part, channel: number, x: Float32Array, dx: Float32Array, dy: number) => void

function gradient(tf: Core, spread: Spread): Kernel {
  return ({ inputs, backend, attrs }) => {
    const { dy, input } = inputs as { dy: Info; input: Info }
    const info = poolOf(tf, input.shape, attrs)
    const { batchSize, inHeight, inWidth, inChannels: channels, outHeight, outWidth, padInfo } = info
    const out = backend.makeOutput(input.shape, 'float32')
    const [x, outer, dx] = [floats(backend, input), floats(backend, dy), floats(backend, out)]
    dx.fill(0)
    let at = 0
    for (let image = 0; image < batchSize; image++) {
      for (let i = 0; i < outHeight; i++) {
        const [top, bottom] = inside(i * info.strideHeight - padInfo.top, info.filterHeight, inHeight)
        for (let j = 0; j < outWidth; j++) {
          const [left, right] = inside(j * info.strideWidth - padInfo.left, info.filterWidth, inWidth)
          const column = (row: number) => ((image * inHeight + row) * inWidth + left) * channels
          const part: Part = {
            first: column(top),
            last: column(bottom - 1),
            below: inWidth * channels,
            beside: channels,
            across: (right - left) * channels,
            places: (bottom - top) * (right - left),
          }
          for (let channel = 0; channel < channels; channel++) spread(part, channel, x, dx, outer[at++] as number)
        }
      }
    }
    return out
  }
}

/** From the first place of a window inside of an image to behind its last. */
function inside(begin: number, size: number, length: number): readonly [from: number, to: number] {
  return [Math.max(0, begin), Math.min(length, begin + size)]
}

function poolOf(tf: Core, input: number[], attrs: Attributes) {
  const { filterSize, strides, pad, dimRoundingMode } = attrs as {
    filterSize: [number, number] | number
    strides: [number, number] | number
    pad: 'valid' | 'same' | number
    dimRoundingMode?: 'floor' | 'round' | 'ceil'
  }
  const shape = input as [number, number, number, number]
  return tf.backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode)
}

function floats(backend: WasmBackend, info: Info): Float32Array {
  return backend.typedArrayFromHeap(info) as Float32Array
}
