/**
 * The linear maps around the products of a convolution by Winograd's minimal filtering along the width of its images (Lavin and
 * Gray, Fast Algorithms for Convolutional Neural Networks, CVPR 2016, in one dimension). A tile is `step` neighbouring outputs, and
 * the `points` = step + width − 1 inputs that they are made of; it becomes as many values, one in each of `points` planes that
 * lie one behind the other. Every map comes with its adjoint, which the backward pass takes.
 *
 * Planes of inputs: rows × input height × tiles × channels; of outputs: rows × output height × tiles × filters.
 */
import { madd } from './fused.ts'
import { storeUpTo } from './lanes.ts'
import { Window } from './window.ts'

@inline
function tilesOf(window: Window, step: i32): i32 {
  return (window.outputWidth + step - 1) / step
}

/**
 * out[o] ← begin + Σ_i matrix[o][i] · x[i] for `outs` vectors of so many bytes, out of `ins` vectors.
 *
 * @param mOut, mIn bytes from row to row and from column to column of the matrix: swapped for its transpose
 * @param xStep, outStep bytes from vector to vector
 * @param adds whether the sum begins with what is in out, else with the bias, else with zeros
 */
@inline
function combine(
  matrix: usize,
  mOut: usize,
  mIn: usize,
  x: usize,
  xStep: usize,
  ins: i32,
  out: usize,
  outStep: usize,
  outs: i32,
  bytes: usize,
  adds: bool,
  bias: usize,
  relu: u32,
): void {
  for (let at: usize = 0; at < bytes; at += 16) {
    const left = <u32>((bytes - at) >> 2)
    let row = matrix
    let to = out + at
    for (let o = outs; o > 0; o--, row += mOut, to += outStep) {
      let sum = adds ? v128.load(to) : bias == 0 ? f32x4.splat(0) : v128.load(bias + at)
      let factor = row
      let from = x + at
      for (let i = ins; i > 0; i--, factor += mIn, from += xStep) {
        sum = madd(v128.load32_splat(factor), v128.load(from), sum)
      }
      if (relu != 0) sum = f32x4.max(sum, f32x4.splat(0))
      storeUpTo(to, sum, left)
    }
  }
}

/** planes ← the tiles of `rows` images; what lies outside of an image is zeros. `matrix`: points × points. */
export function tileInputs(window: Window, matrix: usize, points: i32, step: i32, x: usize, rows: u32, planes: usize): void {
  const pixel = <usize>window.inputChannels << 2
  const line = <usize>points << 2
  const tiles = tilesOf(window, step)
  const lines = <i32>rows * window.inputHeight
  const plane = <usize>(lines * tiles) * pixel
  for (let y = 0; y < lines; y++, x += <usize>window.inputWidth * pixel) {
    for (let tile: i32 = 0; tile < tiles; tile++, planes += pixel) {
      const left = tile * step - window.paddingLeft
      const begin = max(0, -left)
      const end = min(points, window.inputWidth - left)
      const from = x + <usize>(left + begin) * pixel
      combine(matrix + (<usize>begin << 2), line, 4, from, pixel, end - begin, planes, plane, points, pixel, false, 0, 0)
    }
  }
}

/** Adds to x what the gradient of such planes comes to for the images. */
export function addTiledInputs(window: Window, matrix: usize, points: i32, step: i32, planes: usize, rows: u32, x: usize): void {
  const pixel = <usize>window.inputChannels << 2
  const line = <usize>points << 2
  const tiles = tilesOf(window, step)
  const lines = <i32>rows * window.inputHeight
  const plane = <usize>(lines * tiles) * pixel
  for (let y = 0; y < lines; y++, x += <usize>window.inputWidth * pixel) {
    for (let tile: i32 = 0; tile < tiles; tile++, planes += pixel) {
      const left = tile * step - window.paddingLeft
      const begin = max(0, -left)
      const end = min(points, window.inputWidth - left)
      const to = x + <usize>(left + begin) * pixel
      combine(matrix + (<usize>begin << 2), 4, line, planes, plane, points, to, pixel, end - begin, pixel, true, 0, 0)
    }
  }
}

/** out ← bias (0: none) + what the planes of outputs come to. `matrix`: step × points. */
export function untileOutputs(
  window: Window,
  matrix: usize,
  points: i32,
  step: i32,
  planes: usize,
  rows: u32,
  bias: usize,
  relu: u32,
  out: usize,
): void {
  const pixel = <usize>window.outputChannels << 2
  const line = <usize>points << 2
  const tiles = tilesOf(window, step)
  const lines = <i32>rows * window.outputHeight
  const plane = <usize>(lines * tiles) * pixel
  for (let y = 0; y < lines; y++) {
    for (let column: i32 = 0; column < window.outputWidth; column += step, planes += pixel) {
      const outs = min(step, window.outputWidth - column)
      combine(matrix, line, 4, planes, plane, points, out, pixel, outs, pixel, false, bias, relu)
      out += <usize>outs * pixel
    }
  }
}

/** planes ← the gradient of the planes of outputs, from that of the outputs. */
export function tileOutputGradient(window: Window, matrix: usize, points: i32, step: i32, d: usize, rows: u32, planes: usize): void {
  const pixel = <usize>window.outputChannels << 2
  const line = <usize>points << 2
  const tiles = tilesOf(window, step)
  const lines = <i32>rows * window.outputHeight
  const plane = <usize>(lines * tiles) * pixel
  for (let y = 0; y < lines; y++) {
    for (let column: i32 = 0; column < window.outputWidth; column += step, planes += pixel) {
      const ins = min(step, window.outputWidth - column)
      combine(matrix, 4, line, d, pixel, ins, planes, plane, points, pixel, false, 0, 0)
      d += <usize>ins * pixel
    }
  }
}

/** planes (points × height × channels·filters) ← the kernel. `matrix`: points × width. */
export function tileKernel(window: Window, matrix: usize, points: i32, kernel: usize, planes: usize): void {
  const tap = <usize>(window.inputChannels * window.outputChannels) << 2
  const line = <usize>window.width << 2
  const plane = <usize>window.height * tap
  for (let i = window.height; i > 0; i--, kernel += <usize>window.width * tap, planes += tap) {
    combine(matrix, line, 4, kernel, tap, window.width, planes, plane, points, tap, false, 0, 0)
  }
}

/** target ← target·(add) + what the gradient of such planes comes to; alpha is in the matrix. */
export function untileKernelGradient(window: Window, matrix: usize, points: i32, planes: usize, target: usize, add: u32): void {
  const tap = <usize>(window.inputChannels * window.outputChannels) << 2
  const line = <usize>window.width << 2
  const plane = <usize>window.height * tap
  for (let i = window.height; i > 0; i--, target += <usize>window.width * tap, planes += tap) {
    if (add != 0) combine(matrix, 4, line, planes, plane, points, target, tap, window.width, tap, true, 0, 0)
    else combine(matrix, 4, line, planes, plane, points, target, tap, window.width, tap, false, 0, 0)
  }
}
