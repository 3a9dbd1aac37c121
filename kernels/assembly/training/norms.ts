/**
 * Groups of `rows` examples to mean 0 and variance 1. An example is `positions` rows of `groups` × `width` channels; a group is
 * `width` consecutive channels over all positions. `statistics`: mean and 1/√(variance + ε) of each group of each example.
 */
import { madd } from './fused.ts'
import { keepFirst, storeFirst, sumOf } from './lanes.ts'

/** out ← gamma · (x − mean)/√(variance + ε) + beta; gamma and beta, one value for each channel, may be 0: none. */
export function normalize(
  x: usize,
  out: usize,
  rows: u32,
  positions: u32,
  groups: u32,
  width: u32,
  epsilon: f32,
  gamma: usize,
  beta: usize,
  statistics: usize,
): void {
  const step = <usize>(groups * width) << 2
  const count = <f32>positions * <f32>width
  for (; rows > 0; rows--) {
    for (let group: u32 = 0; group < groups; group++, statistics += 8) {
      const offset = <usize>(group * width) << 2
      const mean = groupSum(x + offset, step, positions, width, f32x4.splat(0), false) / count
      const variance = groupSum(x + offset, step, positions, width, f32x4.splat(mean), true) / count
      const scale: f32 = 1 / sqrt<f32>(variance + epsilon)
      store<f32>(statistics, mean)
      store<f32>(statistics, scale, 4)
      normalizeGroup(x + offset, out + offset, step, positions, width, mean, scale, gamma == 0 ? 0 : gamma + offset, beta == 0 ? 0 : beta + offset)
    }
    x += <usize>positions * step
    out += <usize>positions * step
  }
}

/** Σ (x − shift), or Σ (x − shift)². */
@inline
function groupSum(x: usize, step: usize, positions: u32, width: u32, shift: v128, squared: bool): f32 {
  const whole = <usize>(width & ~3) << 2
  const left = width & 3
  let sums = f32x4.splat(0)
  for (; positions > 0; positions--, x += step) {
    for (let at: usize = 0; at < whole; at += 16) {
      const v = f32x4.sub(v128.load(x + at), shift)
      sums = squared ? madd(v, v, sums) : f32x4.add(sums, v)
    }
    if (left != 0) {
      const v = keepFirst(f32x4.sub(v128.load(x + whole), shift), left)
      sums = squared ? madd(v, v, sums) : f32x4.add(sums, v)
    }
  }
  return sumOf(sums)
}

function normalizeGroup(x: usize, out: usize, step: usize, positions: u32, width: u32, mean: f32, scale: f32, gamma: usize, beta: usize): void {
  const whole = <usize>(width & ~3) << 2
  const left = width & 3
  for (; positions > 0; positions--, x += step, out += step) {
    for (let at: usize = 0; at < whole; at += 16) v128.store(out + at, scaled(x, at, mean, scale, gamma, beta))
    if (left != 0) storeFirst(out + whole, scaled(x, whole, mean, scale, gamma, beta), left)
  }
}

@inline
function scaled(x: usize, at: usize, mean: f32, scale: f32, gamma: usize, beta: usize): v128 {
  const normal = normalAt(x + at, mean, scale)
  const stretched = gamma == 0 ? normal : f32x4.mul(normal, v128.load(gamma + at))
  return beta == 0 ? stretched : f32x4.add(stretched, v128.load(beta + at))
}

@inline
function normalAt(x: usize, mean: f32, scale: f32): v128 {
  return f32x4.mul(f32x4.sub(v128.load(x), f32x4.splat(mean)), f32x4.splat(scale))
}

@inline
function pulled(d: usize, gamma: usize): v128 {
  return gamma == 0 ? v128.load(d) : f32x4.mul(v128.load(d), v128.load(gamma))
}

/**
 * out ← the gradient of the inputs: scale · (g − mean(g) − n · mean(g · n)) over each group, for g = gamma · d and the normal n
 * that x has become (Ba, Kiros and Hinton, Layer Normalization, 2016, supplement).
 */
export function normalizeInputs(
  x: usize,
  d: usize,
  out: usize,
  rows: u32,
  positions: u32,
  groups: u32,
  width: u32,
  gamma: usize,
  statistics: usize,
): void {
  const step = <usize>(groups * width) << 2
  for (; rows > 0; rows--) {
    for (let group: u32 = 0; group < groups; group++, statistics += 8) {
      const offset = <usize>(group * width) << 2
      const mean = load<f32>(statistics)
      const scale = load<f32>(statistics, 4)
      inputsOfGroup(x + offset, d + offset, out + offset, step, positions, width, mean, scale, gamma == 0 ? 0 : gamma + offset)
    }
    x += <usize>positions * step
    d += <usize>positions * step
    out += <usize>positions * step
  }
}

function inputsOfGroup(x: usize, d: usize, out: usize, step: usize, positions: u32, width: u32, mean: f32, scale: f32, gamma: usize): void {
  const whole = <usize>(width & ~3) << 2
  const left = width & 3
  let sums = f32x4.splat(0)
  let products = f32x4.splat(0)
  let offset: usize = 0
  for (let i: u32 = 0; i < positions; i++, offset += step) {
    for (let at: usize = 0; at < whole; at += 16) {
      const g = pulled(d + offset + at, gamma + at * usize(gamma != 0))
      sums = f32x4.add(sums, g)
      products = madd(g, normalAt(x + offset + at, mean, scale), products)
    }
    if (left != 0) {
      const g = keepFirst(pulled(d + offset + whole, gamma + whole * usize(gamma != 0)), left)
      sums = f32x4.add(sums, g)
      products = f32x4.add(products, keepFirst(f32x4.mul(g, normalAt(x + offset + whole, mean, scale)), left))
    }
  }
  const count = <f32>positions * <f32>width
  const s = f32x4.splat(sumOf(sums) / count)
  const p = f32x4.splat(sumOf(products) / count)
  const factor = f32x4.splat(scale)
  offset = 0
  for (let i: u32 = 0; i < positions; i++, offset += step) {
    for (let at: usize = 0; at < width << 2; at += 16) {
      const g = pulled(d + offset + at, gamma + at * usize(gamma != 0))
      const n = normalAt(x + offset + at, mean, scale)
      const value = f32x4.mul(factor, f32x4.sub(f32x4.sub(g, s), f32x4.mul(n, p)))
      if (at < whole) v128.store(out + offset + at, value)
      else storeFirst(out + offset + at, value, left)
    }
  }
}

/** target ← target·(add) + alpha · Σ d · n, the gradient of gamma, for each channel over rows and positions. */
export function normalizeScaleGradient(
  x: usize,
  d: usize,
  rows: u32,
  positions: u32,
  groups: u32,
  width: u32,
  statistics: usize,
  target: usize,
  add: u32,
  alpha: f32,
): void {
  const channels = groups * width
  const step = <usize>channels << 2
  if (add == 0) memory.fill(target, 0, step)
  for (; rows > 0; rows--) {
    for (let i: u32 = 0; i < positions; i++, x += step, d += step) {
      for (let group: u32 = 0; group < groups; group++) {
        const mean = load<f32>(statistics + (<usize>group << 3))
        const scale = load<f32>(statistics + (<usize>group << 3), 4) * alpha
        const begin = <usize>(group * width) << 2
        const end = begin + (<usize>width << 2)
        let at = begin
        for (; at + 16 <= end; at += 16) {
          v128.store(target + at, madd(v128.load(d + at), normalAt(x + at, mean, scale), v128.load(target + at)))
        }
        if (at < end) {
          const sum = madd(v128.load(d + at), normalAt(x + at, mean, scale), v128.load(target + at))
          storeFirst(target + at, sum, <u32>((end - at) >> 2))
        }
      }
    }
    statistics += <usize>groups << 3
  }
}
