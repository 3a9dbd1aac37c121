/**
 * Activations and their slopes over `count` float32 values; `out` may be where another argument is. Slopes multiply a gradient d:
 * out ← d · slope, from the output y of the activation or, where its name says so, from its input x.
 */
import { exponential, exponentialMinusOne, hyperbolicTangent, logistic, normalBelow, normalDensity, withinTails } from './exponential.ts'
import { madd } from './fused.ts'
import { keepFirst, storeFirst, sumOf } from './lanes.ts'

@inline
const RELU: u32 = 0
@inline
const TANH: u32 = 1
@inline
const SIGMOID: u32 = 2
@inline
const ELU: u32 = 3
@inline
const GELU: u32 = 4

@inline
function valueOf(kind: u32, x: v128): v128 {
  // A NaN stays: the loss must see it.
  if (kind == RELU) return f32x4.max(x, f32x4.splat(0))
  if (kind == TANH) return hyperbolicTangent(x)
  if (kind == SIGMOID) return logistic(x)
  if (kind == ELU) return v128.bitselect(x, exponentialMinusOne(x), f32x4.gt(x, f32x4.splat(0)))
  return f32x4.mul(f32x4.pmax(x, f32x4.splat(-40)), normalBelow(x))
}

/** `from`: the output of the activation, for gelu its input. */
@inline
function slopeTimes(kind: u32, d: v128, from: v128): v128 {
  const one = f32x4.splat(1)
  if (kind == RELU) return v128.and(d, f32x4.gt(from, f32x4.splat(0)))
  if (kind == TANH) return f32x4.mul(d, f32x4.sub(one, f32x4.mul(from, from)))
  if (kind == SIGMOID) return f32x4.mul(d, f32x4.mul(from, f32x4.sub(one, from)))
  if (kind == ELU) return f32x4.mul(d, v128.bitselect(one, f32x4.add(from, one), f32x4.gt(from, f32x4.splat(0))))
  const x = withinTails(from)
  return f32x4.mul(d, madd(x, normalDensity(x), normalBelow(x)))
}

@inline
function values(kind: u32, out: usize, x: usize, count: u32): void {
  for (const end = out + (<usize>(count & ~3) << 2); out < end; out += 16, x += 16) {
    v128.store(out, valueOf(kind, v128.load(x)))
  }
  if ((count & 3) != 0) storeFirst(out, valueOf(kind, v128.load(x)), count & 3)
}

@inline
function slopes(kind: u32, out: usize, d: usize, from: usize, count: u32): void {
  for (const end = out + (<usize>(count & ~3) << 2); out < end; out += 16, d += 16, from += 16) {
    v128.store(out, slopeTimes(kind, v128.load(d), v128.load(from)))
  }
  if ((count & 3) != 0) storeFirst(out, slopeTimes(kind, v128.load(d), v128.load(from)), count & 3)
}

export function reluValues(out: usize, x: usize, count: u32): void {
  values(RELU, out, x, count)
}

export function reluSlope(out: usize, d: usize, y: usize, count: u32): void {
  slopes(RELU, out, d, y, count)
}

export function tanhValues(out: usize, x: usize, count: u32): void {
  values(TANH, out, x, count)
}

export function tanhSlope(out: usize, d: usize, y: usize, count: u32): void {
  slopes(TANH, out, d, y, count)
}

export function sigmoidValues(out: usize, x: usize, count: u32): void {
  values(SIGMOID, out, x, count)
}

export function sigmoidSlope(out: usize, d: usize, y: usize, count: u32): void {
  slopes(SIGMOID, out, d, y, count)
}

export function eluValues(out: usize, x: usize, count: u32): void {
  values(ELU, out, x, count)
}

export function eluSlope(out: usize, d: usize, y: usize, count: u32): void {
  slopes(ELU, out, d, y, count)
}

/** x times the probability that a value of the standard normal distribution is below x (Hendrycks and Gimpel, 2016). */
export function geluValues(out: usize, x: usize, count: u32): void {
  values(GELU, out, x, count)
}

export function geluSlopeOfInput(out: usize, d: usize, x: usize, count: u32): void {
  slopes(GELU, out, d, x, count)
}

/** Each of `rows` rows of `units` values: eˣ over the sum of the row. */
export function softmaxValues(out: usize, x: usize, rows: u32, units: u32): void {
  const bytes = <usize>units << 2
  for (; rows > 0; rows--) {
    const rowEnd = x + bytes
    let largest = load<f32>(x)
    for (let at = x + 4; at < rowEnd; at += 4) largest = max(largest, load<f32>(at))
    const shift = f32x4.splat(largest)
    let sums = f32x4.splat(0)
    let to = out
    for (const end = x + (<usize>(units & ~3) << 2); x < end; x += 16, to += 16) {
      const e = exponential(f32x4.sub(v128.load(x), shift))
      v128.store(to, e)
      sums = f32x4.add(sums, e)
    }
    const left = units & 3
    if (left != 0) {
      const e = exponential(f32x4.sub(v128.load(x), shift))
      storeFirst(to, e, left)
      sums = f32x4.add(sums, keepFirst(e, left))
    }
    x = rowEnd
    const sum = sumOf(sums)
    const total = f32x4.splat(sum)
    for (const end = out + (<usize>(units & ~3) << 2); out < end; out += 16) {
      v128.store(out, f32x4.div(v128.load(out), total))
    }
    for (const end = out + (<usize>left << 2); out < end; out += 4) store<f32>(out, load<f32>(out) / sum)
  }
}

/** out ← y · (d − Σ d·y) in each row: slopes of each output to all inputs of its row. */
export function softmaxSlope(out: usize, d: usize, y: usize, rows: u32, units: u32): void {
  const left = units & 3
  const whole = <usize>(units & ~3) << 2
  for (; rows > 0; rows--) {
    let sums = f32x4.splat(0)
    for (let at: usize = 0; at < whole; at += 16) sums = madd(v128.load(d + at), v128.load(y + at), sums)
    if (left != 0) {
      sums = f32x4.add(sums, keepFirst(f32x4.mul(v128.load(d + whole), v128.load(y + whole)), left))
    }
    const mean = f32x4.splat(sumOf(sums))
    for (let at: usize = 0; at < whole; at += 16) {
      v128.store(out + at, f32x4.mul(v128.load(y + at), f32x4.sub(v128.load(d + at), mean)))
    }
    if (left != 0) {
      storeFirst(out + whole, f32x4.mul(v128.load(y + whole), f32x4.sub(v128.load(d + whole), mean)), left)
    }
    const bytes = <usize>units << 2
    out += bytes
    d += bytes
    y += bytes
  }
}
