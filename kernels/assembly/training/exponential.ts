/** Functions of four float32 values at a time, to some 1e-7 of the result; NaN gives NaN. */
import { madd } from './fused.ts'

/** 1.5 · 2²³: what is added to it is rounded to a whole number, which then stands in the lowest bits. */
const ROUNDER: f32 = 12582912
const ROUNDER_BITS: i32 = 0x4b400000
const LOG2_E: f32 = 1.44269504
/** ln 2 in two parts, so that whole multiples of the first are exact. */
const LN2_HIGH: f32 = 0.693359375
const LN2_LOW: f32 = -2.12194440e-4

/** The first where it is not above the second; a NaN there stays. */
@inline
function atMost(x: v128, limit: f32): v128 {
  return f32x4.pmin(x, f32x4.splat(limit))
}

@inline
function atLeast(x: v128, limit: f32): v128 {
  return f32x4.pmax(x, f32x4.splat(limit))
}

/** r of x = n · ln 2 + r, |r| ≤ ln 2 / 2, for a whole n. */
@inline
function reduced(x: v128, n: v128): v128 {
  return f32x4.sub(f32x4.sub(x, f32x4.mul(n, f32x4.splat(LN2_HIGH))), f32x4.mul(n, f32x4.splat(LN2_LOW)))
}

/** eʳ − 1 for |r| ≤ ln 2 / 2 (coefficients: Moshier, Cephes, expf). */
@inline
function reducedMinusOne(r: v128): v128 {
  let p = f32x4.splat(1.9875691500e-4)
  p = madd(p, r, f32x4.splat(1.3981999507e-3))
  p = madd(p, r, f32x4.splat(8.3334519073e-3))
  p = madd(p, r, f32x4.splat(4.1665795894e-2))
  p = madd(p, r, f32x4.splat(1.6666665459e-1))
  p = madd(p, r, f32x4.splat(5.0000001201e-1))
  return madd(f32x4.mul(r, r), p, r)
}

/** 2ⁿ for whole n from −126 to 127. */
@inline
function powerOfTwo(n: v128): v128 {
  return i32x4.shl(i32x4.add(n, i32x4.splat(127)), 23)
}

/** eˣ: 0 and infinity where float32 has no other. */
@inline
export function exponential(value: v128): v128 {
  const x = atLeast(atMost(value, 89), -104)
  const shifted = f32x4.add(f32x4.mul(x, f32x4.splat(LOG2_E)), f32x4.splat(ROUNDER))
  const n = f32x4.sub(shifted, f32x4.splat(ROUNDER))
  const y = f32x4.add(reducedMinusOne(reduced(x, n)), f32x4.splat(1))
  // In two steps: 2ⁿ itself may have no place in float32 where the product has one.
  const whole = i32x4.sub(shifted, i32x4.splat(ROUNDER_BITS))
  const half = i32x4.shr_s(whole, 1)
  return f32x4.mul(f32x4.mul(y, powerOfTwo(half)), powerOfTwo(i32x4.sub(whole, half)))
}

/** eˣ − 1 for x ≤ 0, without cancellation; greater x count as 0. */
@inline
export function exponentialMinusOne(value: v128): v128 {
  const x = atLeast(atMost(value, 0), -87)
  const shifted = f32x4.add(f32x4.mul(x, f32x4.splat(LOG2_E)), f32x4.splat(ROUNDER))
  const n = f32x4.sub(shifted, f32x4.splat(ROUNDER))
  const scale = powerOfTwo(i32x4.sub(shifted, i32x4.splat(ROUNDER_BITS)))
  return f32x4.add(
    f32x4.mul(scale, reducedMinusOne(reduced(x, n))),
    f32x4.sub(scale, f32x4.splat(1)),
  )
}

@inline
export function logistic(x: v128): v128 {
  const one = f32x4.splat(1)
  return f32x4.div(one, f32x4.add(one, exponential(f32x4.neg(x))))
}

/** A polynomial near 0, where 1 − 2/(e²ˣ + 1) would cancel (Moshier, Cephes, tanhf). */
@inline
export function hyperbolicTangent(x: v128): v128 {
  const one = f32x4.splat(1)
  const size = f32x4.abs(x)
  const z = f32x4.mul(x, x)
  let p = f32x4.splat(-5.70498872745e-3)
  p = madd(p, z, f32x4.splat(2.06390887954e-2))
  p = madd(p, z, f32x4.splat(-5.37397155531e-2))
  p = madd(p, z, f32x4.splat(1.33314422036e-1))
  p = madd(p, z, f32x4.splat(-3.33332819422e-1))
  const near = madd(f32x4.mul(p, z), x, x)
  const rest = f32x4.div(f32x4.splat(2), f32x4.add(exponential(f32x4.add(size, size)), one))
  const sign = v128.and(x, i32x4.splat(0x80000000))
  const far = v128.or(f32x4.sub(one, rest), sign)
  return v128.bitselect(near, far, f32x4.lt(size, f32x4.splat(0.625)))
}

/** A value of the standard normal distribution is below x with this probability (erfc: Press et al., Numerical Recipes, §6.2). */
@inline
export function normalBelow(x: v128): v128 {
  const one = f32x4.splat(1)
  const z = f32x4.mul(f32x4.abs(x), f32x4.splat(0.70710678))
  const t = f32x4.div(one, madd(z, f32x4.splat(0.5), one))
  let p = f32x4.splat(0.17087277)
  p = madd(p, t, f32x4.splat(-0.82215223))
  p = madd(p, t, f32x4.splat(1.48851587))
  p = madd(p, t, f32x4.splat(-1.13520398))
  p = madd(p, t, f32x4.splat(0.27886807))
  p = madd(p, t, f32x4.splat(-0.18628806))
  p = madd(p, t, f32x4.splat(0.09678418))
  p = madd(p, t, f32x4.splat(0.37409196))
  p = madd(p, t, f32x4.splat(1.00002368))
  p = madd(p, t, f32x4.splat(-1.26551223))
  const tail = f32x4.mul(f32x4.mul(t, f32x4.splat(0.5)), exponential(f32x4.sub(p, f32x4.mul(z, z))))
  return v128.bitselect(f32x4.sub(one, tail), tail, f32x4.gt(x, f32x4.splat(0)))
}

/** The density of the standard normal distribution. */
@inline
export function normalDensity(x: v128): v128 {
  const e = exponential(f32x4.mul(f32x4.mul(x, x), f32x4.splat(-0.5)))
  return f32x4.mul(e, f32x4.splat(0.39894228))
}

/** x within −40 and 40, beyond which it has no part in what multiplies it with a tail of the normal distribution. */
@inline
export function withinTails(x: v128): v128 {
  return atLeast(atMost(x, 40), -40)
}
