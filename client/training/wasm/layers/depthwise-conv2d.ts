import type { Op, Window } from '../../graph/graph.ts'
import type { Arena } from '../arena.ts'
import type { Layer, LayerKind, Places } from '../layer.ts'
import { activate, multiplyBySlope } from './activations.ts'
import { placesOf, WINDOW_VALUES, writeWindow } from './window.ts'

type Depthwise = Op & { readonly kind: 'depthwise-conv2d' }

/** Each channel by itself. Where a channel has several kernels, it is repeated for each of them before, image by image. */
export const depthwiseConv2d: LayerKind<Depthwise> = {
  scratch: ({ window, multiplier }) => {
    const { repeated, weights } = sizesOf(window)
    return (multiplier === 1 ? 0 : repeated) + weights
  },
  kept: () => WINDOW_VALUES,
  build: buildDepthwise,
}

function sizesOf({ input: [height, width], size, output: [, , channels] }: Window) {
  const taps = size[0] * size[1]
  return { channels, taps, repeated: height * width * channels, weights: (taps + 1) * channels }
}

function buildDepthwise(op: Depthwise, places: Places, arena: Arena): Layer {
  const { window, multiplier, activation } = op
  const { kernels } = arena
  const { channels, taps, repeated } = sizesOf(window)
  const { output, outputGradient: d, tensorAt, weights, kept } = places
  const [input = output] = places.inputs
  const perRow = placesOf(window)
  const kernel = tensorAt(op.kernel, weights)
  const bias = op.bias === undefined ? 0 : tensorAt(op.bias, weights)
  const isRepeated = multiplier > 1
  const image = places.scratch
  const own = image + (isRepeated ? 4 * repeated : 0)
  writeWindow(arena, kept, { ...window, input: [window.input[0], window.input[1], channels] })

  /** Rows that are worked on at once. */
  const together = (rows: number) => (isRepeated ? 1 : rows)
  const inputOf = (row: number): number => {
    const from = input.address + 4 * row * input.size
    if (!isRepeated) return from
    kernels.repeatValues(image, from, input.size, multiplier)
    return image
  }
  const gradientOf = (row: number) => d + 4 * row * output.size

  return {
    forward(rows) {
      for (let row = 0; row < rows; row += together(rows)) {
        const to = output.address + 4 * row * output.size
        kernels.depthwise(kept, inputOf(row), kernel, bias, to, together(rows))
      }
      activate(kernels, activation, output.address, rows * output.size)
    },
    backward(rows, [to = 0]) {
      multiplyBySlope(kernels, activation, d, output.address, rows * output.size)
      if (to === 0) return
      if (!isRepeated) {
        kernels.clearVector(to, rows * input.size)
        kernels.addDepthwiseInputs(kept, d, kernel, to, rows)
        return
      }
      for (let row = 0; row < rows; row++) {
        kernels.clearVector(image, repeated)
        kernels.addDepthwiseInputs(kept, gradientOf(row), kernel, image, 1)
        kernels.sumRuns(to + 4 * row * input.size, image, input.size, multiplier)
      }
    },
    trained: {
      gradient(rows, { base, add, alpha }) {
        const target = tensorAt(op.kernel, base)
        for (let row = 0; row < rows; row += together(rows)) {
          const adds = add || row > 0 ? 1 : 0
          const from = inputOf(row)
          kernels.depthwiseKernelGradient(kept, from, gradientOf(row), together(rows), target, adds, alpha)
        }
        if (op.bias === undefined) return
        kernels.columnSums(d, rows * perRow, channels, tensorAt(op.bias, base), add ? 1 : 0, alpha)
      },
      addSquaredNorms(rows, norms) {
        for (let row = 0; row < rows; row++) {
          kernels.depthwiseKernelGradient(kept, inputOf(row), gradientOf(row), 1, own, 0, 1)
          let count = taps * channels
          if (op.bias !== undefined) {
            kernels.columnSums(gradientOf(row), perRow, channels, own + 4 * count, 0, 1)
            count += channels
          }
          norms[row] = (norms[row] as number) + kernels.squaredNorm(own, count)
        }
      },
    },
  }
}
