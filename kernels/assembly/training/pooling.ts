/** What windows of each channel come to, over `rows` images; four channels at a time. */
import { storeUpTo } from './lanes.ts'
import { endInside, firstInside, Window } from './window.ts'

/** Does at each place what `kind` says; addresses that it does not need are 0. */
@inline
function forEachPlace(window: Window, x: usize, y: usize, d: usize, out: usize, rows: u32, kind: u32): void {
  const pixel = <usize>window.inputChannels << 2
  const line = <usize>window.inputWidth * pixel
  for (; rows > 0; rows--, x += <usize>window.inputHeight * line) {
    for (let row: i32 = 0; row < window.outputHeight; row++) {
      const top = row * window.strideY - window.paddingTop
      const bottom = endInside(top, window.height, window.inputHeight)
      const first = firstInside(top)
      for (let column: i32 = 0; column < window.outputWidth; column++) {
        const left = column * window.strideX - window.paddingLeft
        const begin = firstInside(left)
        const offset = <usize>(top + first) * line + <usize>(left + begin) * pixel
        const height = bottom - first
        const width = endInside(left, window.width, window.inputWidth) - begin
        for (let at: usize = 0; at < pixel; at += 16) {
          const count = min(4, <u32>((pixel - at) >> 2))
          if (kind == MAX) maxPlace(x + offset + at, line, pixel, height, width, y + at, count)
          else if (kind == AVERAGE) averagePlace(x + offset + at, line, pixel, height, width, y + at, count)
          else if (kind == MAX_GRADIENT) {
            addToFirst(x + offset + at, line, pixel, height, width, v128.load(y + at), v128.load(d + at), out + offset + at, count)
          } else addToAll(line, pixel, height, width, v128.load(d + at), out + offset + at, count)
        }
        y += pixel
        d += pixel
      }
    }
    out += <usize>window.inputHeight * line
  }
}

@inline
const MAX: u32 = 0
@inline
const AVERAGE: u32 = 1
@inline
const MAX_GRADIENT: u32 = 2
@inline
const AVERAGE_GRADIENT: u32 = 3

/** out ← the greatest value of each window; a NaN stays. */
export function maxPool(window: Window, x: usize, out: usize, rows: u32): void {
  forEachPlace(window, x, out, 0, 0, rows, MAX)
}

/** out ← the mean of the part of each window that lies inside the image. */
export function averagePool(window: Window, x: usize, out: usize, rows: u32): void {
  forEachPlace(window, x, out, 0, 0, rows, AVERAGE)
}

/** Adds the gradient d of each place to the first of its window that is as great as its output y. */
export function addMaxPoolInputs(window: Window, x: usize, y: usize, d: usize, out: usize, rows: u32): void {
  forEachPlace(window, x, y, d, out, rows, MAX_GRADIENT)
}

/** Adds an equal share of the gradient d of each place to all that lies in its window. */
export function addAveragePoolInputs(window: Window, d: usize, out: usize, rows: u32): void {
  forEachPlace(window, 0, 0, d, out, rows, AVERAGE_GRADIENT)
}

@inline
function maxPlace(x: usize, line: usize, pixel: usize, height: i32, width: i32, out: usize, count: u32): void {
  let largest = v128.load(x)
  for (let i = height; i > 0; i--, x += line) {
    let from = x
    for (let j = width; j > 0; j--, from += pixel) largest = f32x4.max(largest, v128.load(from))
  }
  storeUpTo(out, largest, count)
}

@inline
function averagePlace(x: usize, line: usize, pixel: usize, height: i32, width: i32, out: usize, count: u32): void {
  let sum = f32x4.splat(0)
  for (let i = height; i > 0; i--, x += line) {
    let from = x
    for (let j = width; j > 0; j--, from += pixel) sum = f32x4.add(sum, v128.load(from))
  }
  storeUpTo(out, f32x4.div(sum, f32x4.splat(<f32>(height * width))), count)
}

@inline
function addToFirst(x: usize, line: usize, pixel: usize, height: i32, width: i32, y: v128, d: v128, out: usize, count: u32): void {
  let left = d
  for (let i = height; i > 0; i--, x += line, out += line) {
    let at: usize = 0
    for (let j = width; j > 0; j--, at += pixel) {
      const isGreatest = f32x4.eq(v128.load(x + at), y)
      storeUpTo(out + at, f32x4.add(v128.load(out + at), v128.and(left, isGreatest)), count)
      left = v128.andnot(left, isGreatest)
    }
  }
}

@inline
function addToAll(line: usize, pixel: usize, height: i32, width: i32, d: v128, out: usize, count: u32): void {
  const share = f32x4.div(d, f32x4.splat(<f32>(height * width)))
  for (let i = height; i > 0; i--, out += line) {
    let to = out
    for (let j = width; j > 0; j--, to += pixel) storeUpTo(to, f32x4.add(v128.load(to), share), count)
  }
}
