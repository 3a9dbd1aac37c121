import { MULTIPLY_DEPTH, multiplyMode } from '../../../../kernels/training/exports.ts'
import type { Op, Window } from '../../graph/graph.ts'
import type { Arena } from '../arena.ts'
import type { Layer, LayerKind, Places } from '../layer.ts'
import { activate, multiplyBySlope } from './activations.ts'
import { type FilteringMatrices, filteringMatrices, TILE_STEP } from './minimal-filtering.ts'
import { placesOf, WINDOW_VALUES, writeWindow } from './window.ts'

type Conv2d = Op & { readonly kind: 'conv2d' }

/** Values of planes that are worked on at a time, so that they stay in the second-level cache. */
const PLANES_VALUES = 2 ** 16
/** Values of windows that are gathered at a time. */
const GATHERED_VALUES = 2 ** 16
const LEAST_PLACES = 64
/** So much more than the windows themselves the kernel that gathers them may write. */
const BEYOND = 4
const STRIP = 8
/** Fewer channels do not pay for what is done to tiles. */
const LEAST_CHANNELS = 16
/** Nor do fewer multiplications saved than this factor. */
const LEAST_SAVED = 1.4

/** Whether tiles pay: by how much they save multiplications, with what the last tile of a row lies beyond the image. */
export function paysInTiles({ input, output, size, strides }: Window): boolean {
  const [, outputWidth, filters] = output
  const width = size[1]
  if (strides[1] !== 1 || width < 3 || width > 5 || Math.min(input[2], filters) < LEAST_CHANNELS) return false
  const points = TILE_STEP + width - 1
  return (outputWidth * width) / (Math.ceil(outputWidth / TILE_STEP) * points) >= LEAST_SAVED
}

/**
 * A convolution by minimal filtering along the width of its images (kernels/assembly/training/tiles.ts): for each point one
 * convolution of a window one column wide, over tiles instead of columns.
 */
export const tiledConv2d: LayerKind<Conv2d> = {
  scratch: ({ window }, rows) => scratchOf(sizesOf(window, rows)).values,
  kept: ({ window }) => keptOf(filteringMatrices(window.size[1])).values,
  build: buildTiled,
}

type Sizes = ReturnType<typeof sizesOf>

function sizesOf(window: Window, rows: number) {
  const [inputHeight, , channels] = window.input
  const [outputHeight, outputWidth, filters] = window.output
  const [height, width] = window.size
  const points = TILE_STEP + width - 1
  const tiles = Math.ceil(outputWidth / TILE_STEP)
  const taps = height * channels
  /** Of one image, in one plane. */
  const inputs = inputHeight * tiles * channels
  const places = outputHeight * tiles
  const images = Math.max(1, Math.min(rows, Math.floor(PLANES_VALUES / (points * Math.max(inputs, places * filters)))))
  const fitting = Math.max(LEAST_PLACES, Math.floor(GATHERED_VALUES / (taps + filters)))
  const chunk = Math.min(images * places, fitting - (fitting % 4))
  return { points, taps, filters, inputs, places, images, chunk, weights: height * width * channels * filters }
}

/** Where in the scratch everything lies, in values. */
function scratchOf({ points, taps, filters, inputs, places, images, chunk, weights }: Sizes) {
  const inputPlanes = 0
  const outputPlanes = inputPlanes + points * images * inputs
  const gathered = outputPlanes + points * images * places * filters
  const panels = gathered + chunk * taps + BEYOND
  const kernelPlanes = panels + chunk * Math.min(Math.max(taps, filters), MULTIPLY_DEPTH)
  const transposed = kernelPlanes + points * taps * filters
  const packed = transposed + taps * filters
  const ofPacked = (taps + STRIP) * (filters + STRIP)
  const own = packed + points * ofPacked
  const values = own + weights + filters
  return { inputPlanes, outputPlanes, gathered, panels, kernelPlanes, transposed, packed, ofPacked, own, values }
}

/** Where in what is kept everything lies, in values: two windows, and the matrices. */
function keptOf({ inputs, kernel, outputs }: FilteringMatrices) {
  const columns = WINDOW_VALUES
  const ofInputs = columns + WINDOW_VALUES
  const ofKernel = ofInputs + inputs.length
  const ofGradient = ofKernel + kernel.length
  const ofOutputs = ofGradient + kernel.length
  return { columns, ofInputs, ofKernel, ofGradient, ofOutputs, values: ofOutputs + outputs.length }
}

function buildTiled(op: Conv2d, places: Places, arena: Arena): Layer {
  const { window, activation } = op
  const { kernels, float32 } = arena
  const sizes = sizesOf(window, places.rows)
  const { points, taps, filters, images, chunk } = sizes
  const [input = places.output] = places.inputs
  const { output, outputGradient: d, tensorAt, weights, kept } = places
  const kernel = tensorAt(op.kernel, weights)
  const bias = op.bias === undefined ? 0 : tensorAt(op.bias, weights)
  const relu = activation === 'relu' ? 1 : 0
  const [tapBytes, filterBytes] = [4 * taps, 4 * filters]
  const { set } = multiplyMode

  const matrices = filteringMatrices(window.size[1])
  const addressIn = (base: number, values: number) => base + 4 * values
  const { columns: columnsAt, ...matricesAt } = keptOf(matrices)
  const columns = addressIn(kept, columnsAt)
  const ofInputs = addressIn(kept, matricesAt.ofInputs)
  const ofKernel = addressIn(kept, matricesAt.ofKernel)
  const ofGradient = addressIn(kept, matricesAt.ofGradient)
  const ofOutputs = addressIn(kept, matricesAt.ofOutputs)
  writeWindow(arena, kept, window)
  writeWindow(arena, columns, columnWindow(window))
  float32(ofInputs, matrices.inputs.length).set(matrices.inputs)
  float32(ofKernel, matrices.kernel.length).set(matrices.kernel)
  float32(ofOutputs, matrices.outputs.length).set(matrices.outputs)
  const gradientMatrix = float32(ofGradient, matrices.kernel.length)

  const at = scratchOf(sizes)
  const inputPlanes = addressIn(places.scratch, at.inputPlanes)
  const outputPlanes = addressIn(places.scratch, at.outputPlanes)
  const gathered = addressIn(places.scratch, at.gathered)
  const panels = addressIn(places.scratch, at.panels)
  const kernelPlanes = addressIn(places.scratch, at.kernelPlanes)
  const transposed = addressIn(places.scratch, at.transposed)
  const packed = addressIn(places.scratch, at.packed)
  const own = addressIn(places.scratch, at.own)
  const [kernelPlane, packedPlane] = [4 * taps * filters, 4 * at.ofPacked]

  const inputOf = (row: number) => input.address + 4 * row * input.size
  const outputOf = (row: number) => output.address + 4 * row * output.size
  const gradientOf = (row: number) => d + 4 * row * output.size

  const multiplyPlane = (from: number, by: number, to: number, count: number): void => {
    for (let first = 0; first < count; first += chunk) {
      const some = Math.min(chunk, count - first)
      const target = to + first * filterBytes
      kernels.gatherWindows(columns, from, first, some, gathered)
      kernels.multiply(gathered, tapBytes, by, 32, 32 * taps, target, some, taps, filters, set, 0, 0, panels)
    }
  }
  const multiplyBack = (from: number, by: number, to: number, count: number): void => {
    for (let first = 0; first < count; first += chunk) {
      const some = Math.min(chunk, count - first)
      const source = from + first * filterBytes
      kernels.multiply(source, filterBytes, by, 32, 32 * filters, gathered, some, filters, taps, set, 0, 0, panels)
      kernels.scatterWindows(columns, gathered, first, some, to)
    }
  }
  const addPlaneGradient = (from: number, by: number, to: number, count: number, adds: boolean): void => {
    for (let first = 0; first < count; first += chunk) {
      const some = Math.min(chunk, count - first)
      kernels.gatherWindows(columns, from, first, some, gathered)
      const mode = adds || first > 0 ? multiplyMode.add : multiplyMode.set
      const source = by + first * filterBytes
      kernels.multiplyTransposed(gathered, tapBytes, source, filterBytes, to, some, taps, filters, mode, 1)
    }
  }

  const kernelGradient = (begin: number, end: number, target: number, add: boolean, alpha: number): void => {
    for (let row = begin; row < end; row += images) {
      const rows = Math.min(images, end - row)
      const count = rows * sizes.places
      kernels.tileInputs(kept, ofInputs, points, TILE_STEP, inputOf(row), rows, inputPlanes)
      kernels.tileOutputGradient(kept, ofOutputs, points, TILE_STEP, gradientOf(row), rows, outputPlanes)
      for (let point = 0; point < points; point++) {
        const from = inputPlanes + 4 * point * rows * sizes.inputs
        const by = outputPlanes + point * count * filterBytes
        addPlaneGradient(from, by, kernelPlanes + point * kernelPlane, count, row > begin)
      }
    }
    for (let i = 0; i < gradientMatrix.length; i++) gradientMatrix[i] = alpha * (matrices.kernel[i] as number)
    kernels.untileKernelGradient(kept, ofGradient, points, kernelPlanes, target, add ? 1 : 0)
  }

  return {
    forward(batch) {
      kernels.tileKernel(kept, ofKernel, points, kernel, kernelPlanes)
      for (let point = 0; point < points; point++) {
        kernels.packColumns(kernelPlanes + point * kernelPlane, taps, filters, packed + point * packedPlane)
      }
      for (let row = 0; row < batch; row += images) {
        const rows = Math.min(images, batch - row)
        const count = rows * sizes.places
        kernels.tileInputs(kept, ofInputs, points, TILE_STEP, inputOf(row), rows, inputPlanes)
        for (let point = 0; point < points; point++) {
          const from = inputPlanes + 4 * point * rows * sizes.inputs
          multiplyPlane(from, packed + point * packedPlane, outputPlanes + point * count * filterBytes, count)
        }
        kernels.untileOutputs(kept, ofOutputs, points, TILE_STEP, outputPlanes, rows, bias, relu, outputOf(row))
      }
      if (relu === 0) activate(kernels, activation, output.address, batch * output.size)
    },
    backward(batch, [to = 0]) {
      multiplyBySlope(kernels, activation, d, output.address, batch * output.size)
      if (to === 0) return
      kernels.tileKernel(kept, ofKernel, points, kernel, kernelPlanes)
      for (let point = 0; point < points; point++) {
        kernels.transpose(kernelPlanes + point * kernelPlane, taps, filters, transposed)
        kernels.packColumns(transposed, filters, taps, packed + point * packedPlane)
      }
      kernels.clearVector(to, batch * input.size)
      for (let row = 0; row < batch; row += images) {
        const rows = Math.min(images, batch - row)
        const count = rows * sizes.places
        kernels.tileOutputGradient(kept, ofOutputs, points, TILE_STEP, gradientOf(row), rows, outputPlanes)
        kernels.clearVector(inputPlanes, points * rows * sizes.inputs)
        for (let point = 0; point < points; point++) {
          const into = inputPlanes + 4 * point * rows * sizes.inputs
          multiplyBack(outputPlanes + point * count * filterBytes, packed + point * packedPlane, into, count)
        }
        kernels.addTiledInputs(kept, ofInputs, points, TILE_STEP, inputPlanes, rows, to + 4 * row * input.size)
      }
    },
    trained: {
      gradient(batch, { base, add, alpha }) {
        kernelGradient(0, batch, tensorAt(op.kernel, base), add, alpha)
        if (op.bias === undefined) return
        const count = batch * placesOf(window)
        kernels.columnSums(d, count, filters, tensorAt(op.bias, base), add ? 1 : 0, alpha)
      },
      addSquaredNorms(batch, norms) {
        for (let row = 0; row < batch; row++) {
          kernelGradient(row, row + 1, own, false, 1)
          let count = sizes.weights
          if (op.bias !== undefined) {
            kernels.columnSums(gradientOf(row), placesOf(window), filters, own + 4 * count, 0, 1)
            count += filters
          }
          norms[row] = (norms[row] as number) + kernels.squaredNorm(own, count)
        }
      },
    },
  }
}

/** The window of one plane: one column wide, over tiles. */
function columnWindow({ input, output, size, strides, padding }: Window): Window {
  const tiles = Math.ceil(output[1] / TILE_STEP)
  return {
    input: [input[0], tiles, input[2]],
    output: [output[0], tiles, output[2]],
    size: [size[0], 1],
    strides: [strides[0], 1],
    padding: [padding[0], 0],
  }
}
