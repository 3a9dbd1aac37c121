/**
 * Products of float32 rows with one float64 vector, in float64.
 *
 * The value of a row is the same to the bit whichever rows go with it: four lanes, column c in lane c mod 4, columns in
 * ascending order in a strip; then (lane 0 + lane 2) + (lane 1 + lane 3); then strips in ascending order.
 */

/** Columns of the vector that stay in the first-level cache while the rows go by. */
const STRIP: u32 = 1024

/**
 * Adds to the n float64 values at `out` the products over `columns` columns from `begin` on.
 *
 * @param rows n addresses (u32) of float32 rows, multiples of 16
 * @param vector float64 values of all columns
 * @param begin a multiple of 1,024
 */
export function dots(rows: usize, n: u32, vector: usize, begin: u32, columns: u32, out: usize): void {
  const end = begin + columns
  for (let at = begin; at < end; at += STRIP) {
    const width = min(STRIP, end - at)
    const offset = <usize>at << 2
    const strip = vector + (<usize>at << 3)
    let i: u32 = 0
    for (; i + 4 <= n; i += 4) {
      four(
        row(rows, i, offset),
        row(rows, i + 1, offset),
        row(rows, i + 2, offset),
        row(rows, i + 3, offset),
        strip,
        width,
        out + (<usize>i << 3),
      )
    }
    for (; i < n; i++) one(row(rows, i, offset), strip, width, out + (<usize>i << 3))
  }
}

@inline
function row(rows: usize, i: u32, offset: usize): usize {
  return (load<u32>(rows + (<usize>i << 2)) as usize) + offset
}

/** Adds the last `count` (0 to 3) columns and then the four lanes to the value at `out`. */
function finish(low: v128, high: v128, x: usize, vector: usize, count: u32, out: usize): void {
  let s0 = f64x2.extract_lane(low, 0)
  let s1 = f64x2.extract_lane(low, 1)
  let s2 = f64x2.extract_lane(high, 0)
  const s3 = f64x2.extract_lane(high, 1)
  if (count > 0) s0 += load<f64>(vector) * <f64>load<f32>(x)
  if (count > 1) s1 += load<f64>(vector, 8) * <f64>load<f32>(x, 4)
  if (count > 2) s2 += load<f64>(vector, 16) * <f64>load<f32>(x, 8)
  store<f64>(out, load<f64>(out) + (s0 + s2 + (s1 + s3)))
}

function four(x0: usize, x1: usize, x2: usize, x3: usize, vector: usize, columns: u32, out: usize): void {
  let low0 = f64x2.splat(0)
  let low1 = f64x2.splat(0)
  let low2 = f64x2.splat(0)
  let low3 = f64x2.splat(0)
  let high0 = f64x2.splat(0)
  let high1 = f64x2.splat(0)
  let high2 = f64x2.splat(0)
  let high3 = f64x2.splat(0)
  const end = vector + (<usize>(columns & ~3) << 3)
  while (vector < end) {
    const v = v128.load(vector)
    const w = v128.load(vector, 16)
    low0 = f64x2.add(low0, f64x2.mul(v, f64x2.promote_low_f32x4(v128.load64_zero(x0))))
    high0 = f64x2.add(high0, f64x2.mul(w, f64x2.promote_low_f32x4(v128.load64_zero(x0, 8))))
    low1 = f64x2.add(low1, f64x2.mul(v, f64x2.promote_low_f32x4(v128.load64_zero(x1))))
    high1 = f64x2.add(high1, f64x2.mul(w, f64x2.promote_low_f32x4(v128.load64_zero(x1, 8))))
    low2 = f64x2.add(low2, f64x2.mul(v, f64x2.promote_low_f32x4(v128.load64_zero(x2))))
    high2 = f64x2.add(high2, f64x2.mul(w, f64x2.promote_low_f32x4(v128.load64_zero(x2, 8))))
    low3 = f64x2.add(low3, f64x2.mul(v, f64x2.promote_low_f32x4(v128.load64_zero(x3))))
    high3 = f64x2.add(high3, f64x2.mul(w, f64x2.promote_low_f32x4(v128.load64_zero(x3, 8))))
    vector += 32
    x0 += 16
    x1 += 16
    x2 += 16
    x3 += 16
  }
  const count = columns & 3
  finish(low0, high0, x0, vector, count, out)
  finish(low1, high1, x1, vector, count, out + 8)
  finish(low2, high2, x2, vector, count, out + 16)
  finish(low3, high3, x3, vector, count, out + 24)
}

function one(x: usize, vector: usize, columns: u32, out: usize): void {
  let low = f64x2.splat(0)
  let high = f64x2.splat(0)
  for (const end = vector + (<usize>(columns & ~3) << 3); vector < end; vector += 32, x += 16) {
    low = f64x2.add(low, f64x2.mul(v128.load(vector), f64x2.promote_low_f32x4(v128.load64_zero(x))))
    high = f64x2.add(high, f64x2.mul(v128.load(vector, 16), f64x2.promote_low_f32x4(v128.load64_zero(x, 8))))
  }
  finish(low, high, x, vector, columns & 3, out)
}
