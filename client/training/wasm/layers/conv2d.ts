import { MULTIPLY_DEPTH, multiplyMode } from '../../../../kernels/training/exports.ts'
import type { Op, Window } from '../../graph/graph.ts'
import type { Arena } from '../arena.ts'
import type { Layer, LayerKind, Places } from '../layer.ts'
import { activate, multiplyBySlope } from './activations.ts'
import { paysInTiles, tiledConv2d } from './tiled-conv2d.ts'
import { placesOf, WINDOW_VALUES, writeWindow } from './window.ts'

type Conv2d = Op & { readonly kind: 'conv2d' }

/** Values that are worked on at a time, so that they stay in the second-level cache: 256 KiB. */
const CHUNK_VALUES = 2 ** 16
/** Fewer places would not pay for what is packed. */
const LEAST_PLACES = 64
/** So much more than the windows themselves the kernel that gathers them may write. */
const BEYOND = 4
const STRIP = 8

export const conv2d: LayerKind<Conv2d> = {
  scratch: (op, rows, size) => kindFor(op).scratch?.(op, rows, size) ?? 0,
  kept: (op, rows, size) => kindFor(op).kept?.(op, rows, size) ?? 0,
  build: (op, places, arena) => kindFor(op).build(op, places, arena),
}

function kindFor({ window }: Conv2d): LayerKind<Conv2d> {
  return paysInTiles(window) ? tiledConv2d : gatheredConv2d
}

/** A convolution as products of the windows, gathered some at a time, with the kernel as a matrix taps × filters. */
const gatheredConv2d: LayerKind<Conv2d> = {
  scratch: (op, rows) => {
    const { taps, filters, chunk } = sizesOf(op.window, rows)
    const panels = chunk * Math.min(Math.max(taps, filters), MULTIPLY_DEPTH)
    const kernels = 2 * (taps + STRIP) * (filters + STRIP)
    return chunk * taps + BEYOND + panels + kernels
  },
  kept: () => WINDOW_VALUES,
  build: buildConvolution,
}

function sizesOf(window: Window, rows: number) {
  const [height, width] = window.size
  const [, , channels] = window.input
  const [, , filters] = window.output
  const taps = height * width * channels
  const places = placesOf(window)
  const fitting = Math.max(LEAST_PLACES, Math.floor(CHUNK_VALUES / (taps + filters)))
  return { taps, filters, places, chunk: Math.min(rows * places, fitting - (fitting % 4)) }
}

/** Where each place of the output is made from one pixel of the input: nothing has to be gathered. */
function isPointwise({ input, output, size, strides }: Window): boolean {
  return [...size, ...strides].every((one) => one === 1) && input[0] === output[0] && input[1] === output[1]
}

function buildConvolution(op: Conv2d, places: Places, arena: Arena): Layer {
  const { window, activation } = op
  const { kernels } = arena
  const { taps, filters, places: perRow, chunk } = sizesOf(window, places.rows)
  const [input = places.output] = places.inputs
  const x = input.address
  const { output, outputGradient: d, tensorAt, weights, scratch, kept } = places
  const kernel = tensorAt(op.kernel, weights)
  const bias = op.bias === undefined ? 0 : tensorAt(op.bias, weights)
  const pointwise = isPointwise(window)
  writeWindow(arena, kept, window)

  const gathered = scratch
  const panels = gathered + 4 * (chunk * taps + BEYOND)
  const packed = panels + 4 * chunk * Math.min(Math.max(taps, filters), MULTIPLY_DEPTH)
  const transposed = packed + 4 * (taps + STRIP) * (filters + STRIP)
  const [tapBytes, filterBytes] = [4 * taps, 4 * filters]
  const mode = bias === 0 ? multiplyMode.set : multiplyMode.bias
  const relu = activation === 'relu' ? 1 : 0

  /** The address of the windows at these places. */
  const windows = (first: number, count: number): number => {
    if (pointwise) return x + first * tapBytes
    kernels.gatherWindows(kept, x, first, count, gathered)
    return gathered
  }

  const addKernelGradient = (begin: number, end: number, target: number, add: boolean, alpha: number): void => {
    for (let first = begin; first < end; first += chunk) {
      const count = Math.min(chunk, end - first)
      const from = windows(first, count)
      const mode = add || first > begin ? multiplyMode.add : multiplyMode.set
      const by = d + first * filterBytes
      kernels.multiplyTransposed(from, tapBytes, by, filterBytes, target, count, taps, filters, mode, alpha)
    }
  }

  return {
    forward(rows) {
      const all = rows * perRow
      kernels.packColumns(kernel, taps, filters, packed)
      for (let first = 0; first < all; first += chunk) {
        const count = Math.min(chunk, all - first)
        const from = windows(first, count)
        const to = output.address + first * filterBytes
        kernels.multiply(from, tapBytes, packed, 32, 32 * taps, to, count, taps, filters, mode, bias, relu, panels)
      }
      if (relu === 0) activate(kernels, activation, output.address, all * filters)
    },
    backward(rows, [to = 0]) {
      const all = rows * perRow
      multiplyBySlope(kernels, activation, d, output.address, all * filters)
      if (to === 0) return
      kernels.transpose(kernel, taps, filters, transposed)
      kernels.packColumns(transposed, filters, taps, packed)
      if (!pointwise) kernels.clearVector(to, rows * input.size)
      for (let first = 0; first < all; first += chunk) {
        const count = Math.min(chunk, all - first)
        const from = d + first * filterBytes
        const into = pointwise ? to + first * tapBytes : gathered
        const { set } = multiplyMode
        kernels.multiply(from, filterBytes, packed, 32, 32 * filters, into, count, filters, taps, set, 0, 0, panels)
        if (!pointwise) kernels.scatterWindows(kept, gathered, first, count, to)
      }
    },
    trained: {
      gradient(rows, { base, add, alpha }) {
        const all = rows * perRow
        addKernelGradient(0, all, tensorAt(op.kernel, base), add, alpha)
        if (op.bias !== undefined) kernels.columnSums(d, all, filters, tensorAt(op.bias, base), add ? 1 : 0, alpha)
      },
      addSquaredNorms(rows, norms) {
        // What the products of the forward and the backward pass need is free here.
        const own = packed
        for (let row = 0; row < rows; row++) {
          const first = row * perRow
          addKernelGradient(first, first + perRow, own, false, 1)
          let count = taps * filters
          if (op.bias !== undefined) {
            kernels.columnSums(d + first * filterBytes, perRow, filters, own + 4 * count, 0, 1)
            count += filters
          }
          norms[row] = (norms[row] as number) + kernels.squaredNorm(own, count)
        }
      },
    },
  }
}
