/**
 * Convolutions in which each channel has a kernel of its own, height × width × channels. Input and output have as many channels;
 * where several outputs come of one input channel, the host repeats the channel before.
 */
import { madd } from './fused.ts'
import { storeUpTo } from './lanes.ts'
import { endInside, firstInside, Window } from './window.ts'

/** out ← bias (0: none) + the convolution of `rows` images. */
export function depthwise(window: Window, x: usize, kernel: usize, bias: usize, out: usize, rows: u32): void {
  const pixel = <usize>window.outputChannels << 2
  const line = <usize>window.inputWidth * pixel
  for (; rows > 0; rows--, x += <usize>window.inputHeight * line) {
    for (let row: i32 = 0; row < window.outputHeight; row++) {
      const top = row * window.strideY - window.paddingTop
      for (let column: i32 = 0; column < window.outputWidth; column++, out += pixel) {
        const left = column * window.strideX - window.paddingLeft
        const from = x + <usize>top * line + <usize>left * pixel
        let at: usize = 0
        for (; at + 64 <= pixel; at += 64) place(window, top, left, from + at, kernel + at, bias == 0 ? 0 : bias + at, out + at, 16)
        for (; at < pixel; at += 16) {
          place(window, top, left, from + at, kernel + at, bias == 0 ? 0 : bias + at, out + at, min(4, <u32>((pixel - at) >> 2)))
        }
      }
    }
  }
}

/** `count` (16, or 4 and less) channels of one place. */
@inline
function place(window: Window, top: i32, left: i32, x: usize, kernel: usize, bias: usize, out: usize, count: u32): void {
  const pixel = <usize>window.outputChannels << 2
  const line = <usize>window.inputWidth * pixel
  const bottom = endInside(top, window.height, window.inputHeight)
  const right = endInside(left, window.width, window.inputWidth)
  const begin = firstInside(left)
  const zero = f32x4.splat(0)
  let a = bias == 0 ? zero : v128.load(bias)
  let b = count == 16 && bias != 0 ? v128.load(bias, 16) : zero
  let c = count == 16 && bias != 0 ? v128.load(bias, 32) : zero
  let d = count == 16 && bias != 0 ? v128.load(bias, 48) : zero
  for (let i = firstInside(top); i < bottom; i++) {
    let from = x + <usize>i * line + <usize>begin * pixel
    let by = kernel + <usize>(i * window.width + begin) * pixel
    for (let j = begin; j < right; j++, from += pixel, by += pixel) {
      a = madd(v128.load(from), v128.load(by), a)
      if (count == 16) {
        b = madd(v128.load(from, 16), v128.load(by, 16), b)
        c = madd(v128.load(from, 32), v128.load(by, 32), c)
        d = madd(v128.load(from, 48), v128.load(by, 48), d)
      }
    }
  }
  if (count == 16) {
    v128.store(out, a)
    v128.store(out, b, 16)
    v128.store(out, c, 32)
    v128.store(out, d, 48)
  } else {
    storeUpTo(out, a, count)
  }
}

/** Adds to x the gradient of the inputs, from the gradient d of the outputs. */
export function addDepthwiseInputs(window: Window, d: usize, kernel: usize, x: usize, rows: u32): void {
  const pixel = <usize>window.outputChannels << 2
  const line = <usize>window.inputWidth * pixel
  for (; rows > 0; rows--, x += <usize>window.inputHeight * line) {
    for (let row: i32 = 0; row < window.outputHeight; row++) {
      const top = row * window.strideY - window.paddingTop
      const bottom = endInside(top, window.height, window.inputHeight)
      for (let column: i32 = 0; column < window.outputWidth; column++, d += pixel) {
        const left = column * window.strideX - window.paddingLeft
        const right = endInside(left, window.width, window.inputWidth)
        for (let i = firstInside(top); i < bottom; i++) {
          for (let j = firstInside(left); j < right; j++) {
            addProducts(x + <usize>(top + i) * line + <usize>(left + j) * pixel, d, kernel + <usize>(i * window.width + j) * pixel, pixel)
          }
        }
      }
    }
  }
}

/** out ← out + a·b over so many bytes. */
@inline
function addProducts(out: usize, a: usize, b: usize, bytes: usize): void {
  for (const end = out + (bytes & ~15); out < end; out += 16, a += 16, b += 16) {
    v128.store(out, madd(v128.load(a), v128.load(b), v128.load(out)))
  }
  if ((bytes & 15) != 0) {
    storeUpTo(out, madd(v128.load(a), v128.load(b), v128.load(out)), <u32>((bytes & 15) >> 2))
  }
}

/** target ← target·(add) + alpha · the gradient of the kernel, summed over `rows` images. */
export function depthwiseKernelGradient(window: Window, x: usize, d: usize, rows: u32, target: usize, add: u32, alpha: f32): void {
  const pixel = <usize>window.outputChannels << 2
  for (let i: i32 = 0; i < window.height; i++) {
    for (let j: i32 = 0; j < window.width; j++, target += pixel) {
      for (let at: usize = 0; at < pixel; at += 16) {
        const sum = f32x4.mul(f32x4.splat(alpha), tapGradient(window, x + at, d + at, rows, i, j))
        const count = min(4, <u32>((pixel - at) >> 2))
        storeUpTo(target + at, add == 0 ? sum : f32x4.add(v128.load(target + at), sum), count)
      }
    }
  }
}

/** Four channels of one value of the kernel. */
function tapGradient(window: Window, x: usize, d: usize, rows: u32, i: i32, j: i32): v128 {
  const pixel = <usize>window.outputChannels << 2
  const line = <usize>window.inputWidth * pixel
  const step = <usize>window.strideX * pixel
  const begin = firstPlace(j - window.paddingLeft, window.strideX)
  const end = endPlace(j - window.paddingLeft, window.strideX, window.inputWidth, window.outputWidth)
  const bottom = endPlace(i - window.paddingTop, window.strideY, window.inputHeight, window.outputHeight)
  let sum = f32x4.splat(0)
  for (; rows > 0; rows--) {
    for (let row = firstPlace(i - window.paddingTop, window.strideY); row < bottom; row++) {
      const y = row * window.strideY + i - window.paddingTop
      let from = x + <usize>y * line + <usize>(begin * window.strideX + j - window.paddingLeft) * pixel
      let by = d + <usize>(row * window.outputWidth + begin) * pixel
      for (let column = begin; column < end; column++, from += step, by += pixel) {
        sum = madd(v128.load(from), v128.load(by), sum)
      }
    }
    x += <usize>window.inputHeight * line
    d += <usize>(window.outputHeight * window.outputWidth) * pixel
  }
  return sum
}

/** The first place n with n·stride + offset ≥ 0. */
@inline
function firstPlace(offset: i32, stride: i32): i32 {
  return offset >= 0 ? 0 : (stride - 1 - offset) / stride
}

/** The one behind the last place n with n·stride + offset < length. */
@inline
function endPlace(offset: i32, stride: i32, length: i32, places: i32): i32 {
  return length <= offset ? 0 : min(places, (length - 1 - offset) / stride + 1)
}

/** out ← each of `count` values `times` times. */
export function repeatValues(out: usize, x: usize, count: u32, times: u32): void {
  for (const end = x + (<usize>count << 2); x < end; x += 4) {
    const value = load<f32>(x)
    for (const last = out + (<usize>times << 2); out < last; out += 4) store<f32>(out, value)
  }
}

/** out ← the sums of `count` runs of `times` values. */
export function sumRuns(out: usize, x: usize, count: u32, times: u32): void {
  for (const end = out + (<usize>count << 2); out < end; out += 4) {
    let sum: f32 = 0
    for (const last = x + (<usize>times << 2); x < last; x += 4) sum += load<f32>(x)
    store<f32>(out, sum)
  }
}
