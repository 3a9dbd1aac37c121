/**
 * Weighted sum of float32 rows in float64: out[c] = ((w₀·x₀[c] + w₁·x₁[c]) + w₂·x₂[c]) + … for `columns` columns from
 * `begin` on, in the order of the rows whatever the passes are.
 */

/** Columns whose sums stay in the first-level cache while the rows go by. */
const STRIP: u32 = 4096

/**
 * @param rows n addresses (u32) of float32 rows, multiples of 16
 * @param weights n float64 values
 * @param begin a multiple of 4
 * @param out float64 values of all columns; those from `begin` on are overwritten
 */
export function combine(rows: usize, weights: usize, n: u32, begin: u32, columns: u32, out: usize): void {
  const end = begin + columns
  for (let at = begin; at < end; at += STRIP) strip(rows, weights, n, at, min(STRIP, end - at), out + (<usize>at << 3))
}

@inline
function row(rows: usize, i: u32, offset: usize): usize {
  return (load<u32>(rows + (<usize>i << 2)) as usize) + offset
}

function strip(rows: usize, weights: usize, n: u32, begin: u32, columns: u32, out: usize): void {
  memory.fill(out, 0, <usize>columns << 3)
  const offset = <usize>begin << 2
  let i: u32 = 0
  for (; i + 4 <= n; i += 4) {
    four(
      row(rows, i, offset),
      row(rows, i + 1, offset),
      row(rows, i + 2, offset),
      row(rows, i + 3, offset),
      weights + (<usize>i << 3),
      columns,
      out,
    )
  }
  for (; i < n; i++) one(row(rows, i, offset), load<f64>(weights + (<usize>i << 3)), columns, out)
}

function four(x0: usize, x1: usize, x2: usize, x3: usize, weights: usize, columns: u32, out: usize): void {
  const w0 = v128.load64_splat(weights)
  const w1 = v128.load64_splat(weights + 8)
  const w2 = v128.load64_splat(weights + 16)
  const w3 = v128.load64_splat(weights + 24)
  const whole = out + (<usize>(columns & ~3) << 3)
  while (out < whole) {
    let low = v128.load(out)
    let high = v128.load(out, 16)
    low = f64x2.add(low, f64x2.mul(w0, f64x2.promote_low_f32x4(v128.load64_zero(x0))))
    high = f64x2.add(high, f64x2.mul(w0, f64x2.promote_low_f32x4(v128.load64_zero(x0, 8))))
    low = f64x2.add(low, f64x2.mul(w1, f64x2.promote_low_f32x4(v128.load64_zero(x1))))
    high = f64x2.add(high, f64x2.mul(w1, f64x2.promote_low_f32x4(v128.load64_zero(x1, 8))))
    low = f64x2.add(low, f64x2.mul(w2, f64x2.promote_low_f32x4(v128.load64_zero(x2))))
    high = f64x2.add(high, f64x2.mul(w2, f64x2.promote_low_f32x4(v128.load64_zero(x2, 8))))
    low = f64x2.add(low, f64x2.mul(w3, f64x2.promote_low_f32x4(v128.load64_zero(x3))))
    high = f64x2.add(high, f64x2.mul(w3, f64x2.promote_low_f32x4(v128.load64_zero(x3, 8))))
    v128.store(out, low)
    v128.store(out, high, 16)
    x0 += 16
    x1 += 16
    x2 += 16
    x3 += 16
    out += 32
  }
  for (const end = whole + (<usize>(columns & 3) << 3); out < end; out += 8) {
    let sum = load<f64>(out)
    sum += load<f64>(weights) * <f64>load<f32>(x0)
    sum += load<f64>(weights, 8) * <f64>load<f32>(x1)
    sum += load<f64>(weights, 16) * <f64>load<f32>(x2)
    sum += load<f64>(weights, 24) * <f64>load<f32>(x3)
    store<f64>(out, sum)
    x0 += 4
    x1 += 4
    x2 += 4
    x3 += 4
  }
}

function one(x: usize, weight: f64, columns: u32, out: usize): void {
  const w = f64x2.splat(weight)
  const whole = out + (<usize>(columns & ~3) << 3)
  for (; out < whole; out += 32, x += 16) {
    const low = f64x2.mul(w, f64x2.promote_low_f32x4(v128.load64_zero(x)))
    const high = f64x2.mul(w, f64x2.promote_low_f32x4(v128.load64_zero(x, 8)))
    v128.store(out, f64x2.add(v128.load(out), low))
    v128.store(out, f64x2.add(v128.load(out, 16), high), 16)
  }
  for (const end = whole + (<usize>(columns & 3) << 3); out < end; out += 8, x += 4) {
    store<f64>(out, load<f64>(out) + weight * <f64>load<f32>(x))
  }
}
