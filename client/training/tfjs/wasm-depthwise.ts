import type { Core } from './load.ts'
import type { Attributes, Info, Kernel, WasmBackend } from './wasm-kernels.ts'

/** Where a window of one place meets its image, in values from the beginning of each. */
type Meeting = { readonly image: number; readonly output: number; readonly kernel: number }

/** What the two gradients of a depthwise convolution have in common: how its windows go over the images of a batch. */
type Windows = {
  readonly channels: number
  readonly multiplier: number
  /** Calls `visit` for each place of each window that lies inside of its image. */
  each(visit: (meeting: Meeting) => void): void
}

/** dW[i, j, c, m] = Σ x[b, p·s + i − top, q·s + j − left, c] · dy[b, p, q, c·M + m], in float64. */
export function depthwiseFilterGradient(tf: Core): Kernel {
  return ({ inputs, backend, attrs }) => {
    const { x, dy } = inputs as { x: Info; dy: Info }
    const filterShape = attrs.filterShape as number[]
    const { channels, multiplier, each } = windowsOf(tf, x.shape, filterShape, attrs)
    const out = backend.makeOutput(filterShape, 'float32')
    const [image, outer] = [floats(backend, x), floats(backend, dy)]
    const sums = new Float64Array(filterShape.reduce((product, size) => product * size, 1))
    each(({ image: from, output, kernel }) => {
      for (let c = 0; c < channels; c++) {
        const value = image[from + c] as number
        for (let j = c * multiplier; j < (c + 1) * multiplier; j++) {
          sums[kernel + j] = (sums[kernel + j] as number) + value * (outer[output + j] as number)
        }
      }
    })
    floats(backend, out).set(sums)
    return out
  }
}

/** dx[b, p·s + i − top, q·s + j − left, c] = Σ dy[b, p, q, c·M + m] · W[i, j, c, m]. */
export function depthwiseInputGradient(tf: Core): Kernel {
  return ({ inputs, backend, attrs }) => {
    const { dy, filter } = inputs as { dy: Info; filter: Info }
    const inputShape = attrs.inputShape as number[]
    const { channels, multiplier, each } = windowsOf(tf, inputShape, filter.shape, attrs)
    const out = backend.makeOutput(inputShape, 'float32')
    const [outer, weights, sums] = [floats(backend, dy), floats(backend, filter), floats(backend, out)]
    sums.fill(0)
    each(({ image, output, kernel }) => {
      for (let c = 0; c < channels; c++) {
        let sum = sums[image + c] as number
        for (let j = c * multiplier; j < (c + 1) * multiplier; j++) {
          sum += (outer[output + j] as number) * (weights[kernel + j] as number)
        }
        sums[image + c] = sum
      }
    })
    return out
  }
}

function windowsOf(tf: Core, input: number[], filter: number[], attrs: Attributes): Windows {
  const four = (shape: number[]) => shape as [number, number, number, number]
  const { strides, pad } = attrs as { strides: [number, number]; pad: 'valid' | 'same' | number }
  const info = tf.backend_util.computeConv2DInfo(four(input), four(filter), strides, 1, pad, undefined, true)
  const { batchSize, inHeight, inWidth, inChannels, outHeight, outWidth, outChannels, filterHeight, filterWidth } = info
  const { top, left } = info.padInfo
  return {
    channels: inChannels,
    multiplier: outChannels / inChannels,
    each(visit) {
      for (let place = 0; place < batchSize * outHeight * outWidth; place++) {
        const row = Math.floor(place / outWidth) % outHeight
        const image = Math.floor(place / (outWidth * outHeight))
        for (let window = 0; window < filterHeight * filterWidth; window++) {
          const y = row * info.strideHeight + Math.floor(window / filterWidth) - top
          const x = (place % outWidth) * info.strideWidth + (window % filterWidth) - left
          if (y < 0 || y >= inHeight || x < 0 || x >= inWidth) continue
          visit({
            image: ((image * inHeight + y) * inWidth + x) * inChannels,
            output: place * outChannels,
            kernel: window * outChannels,
          })
        }
      }
    },
  }
}

function floats(backend: WasmBackend, info: Info): Float32Array {
  return backend.typedArrayFromHeap(info) as Float32Array
}
