/** What is done to rows of a matrix, or to all values of a vector. Addresses are of float32 values unless they say else. */

/** out[j] ← out[j]·(add) + alpha · Σ_i x[i][j]: the gradient of a bias. */
export function columnSums(x: usize, rows: u32, columns: u32, out: usize, add: u32, alpha: f32): void {
  const step = <usize>columns << 2
  const factor = f32x4.splat(alpha)
  let at: u32 = 0
  for (; at + 4 <= columns; at += 4) {
    let sum = f32x4.splat(0)
    let from = x
    for (let i: u32 = 0; i < rows; i++) {
      sum = f32x4.add(sum, v128.load(from))
      from += step
    }
    sum = f32x4.mul(sum, factor)
    v128.store(out, add == 0 ? sum : f32x4.add(v128.load(out), sum))
    x += 16
    out += 16
  }
  for (; at < columns; at++) {
    let sum: f32 = 0
    let from = x
    for (let i: u32 = 0; i < rows; i++) {
      sum += load<f32>(from)
      from += step
    }
    store<f32>(out, add == 0 ? alpha * sum : load<f32>(out) + alpha * sum)
    x += 4
    out += 4
  }
}

/** out[j] += x[j]. */
export function addVector(out: usize, x: usize, count: u32): void {
  for (const end = out + (<usize>(count & ~3) << 2); out < end; out += 16, x += 16) {
    v128.store(out, f32x4.add(v128.load(out), v128.load(x)))
  }
  for (const end = out + (<usize>(count & 3) << 2); out < end; out += 4, x += 4) {
    store<f32>(out, load<f32>(out) + load<f32>(x))
  }
}

/** out[j] ← x[j] · y[j]. */
export function multiplyVectors(out: usize, x: usize, y: usize, count: u32): void {
  for (const end = out + (<usize>(count & ~3) << 2); out < end; out += 16, x += 16, y += 16) {
    v128.store(out, f32x4.mul(v128.load(x), v128.load(y)))
  }
  for (const end = out + (<usize>(count & 3) << 2); out < end; out += 4, x += 4, y += 4) {
    store<f32>(out, load<f32>(x) * load<f32>(y))
  }
}

/** out[j] ← alpha · x[j]. */
export function scaleVector(out: usize, x: usize, count: u32, alpha: f32): void {
  const factor = f32x4.splat(alpha)
  for (const end = out + (<usize>(count & ~3) << 2); out < end; out += 16, x += 16) {
    v128.store(out, f32x4.mul(v128.load(x), factor))
  }
  for (const end = out + (<usize>(count & 3) << 2); out < end; out += 4, x += 4) {
    store<f32>(out, alpha * load<f32>(x))
  }
}

/** Σ x[j]², in float64. */
export function squaredNorm(x: usize, count: u32): f64 {
  let a = f64x2.splat(0)
  let b = f64x2.splat(0)
  for (const end = x + (<usize>(count & ~3) << 2); x < end; x += 16) {
    const v = v128.load(x)
    const p = f64x2.promote_low_f32x4(v)
    const q = f64x2.promote_low_f32x4(v128.shuffle<i32>(v, v, 2, 3, 2, 3))
    a = f64x2.add(a, f64x2.mul(p, p))
    b = f64x2.add(b, f64x2.mul(q, q))
  }
  a = f64x2.add(a, b)
  let sum = f64x2.extract_lane(a, 0) + f64x2.extract_lane(a, 1)
  for (const end = x + (<usize>(count & 3) << 2); x < end; x += 4) {
    const v = <f64>load<f32>(x)
    sum += v * v
  }
  return sum
}

/** out (columns × rows) ← the transpose of x (rows × columns). */
export function transpose(x: usize, rows: u32, columns: u32, out: usize): void {
  const from = <usize>columns << 2
  const to = <usize>rows << 2
  for (let i: u32 = 0; i < rows; i++) {
    let target = out + (<usize>i << 2)
    const end = x + from
    for (; x < end; x += 4) {
      store<f32>(target, load<f32>(x))
      target += to
    }
  }
}

/** out ← zeros. */
export function clearVector(out: usize, count: u32): void {
  memory.fill(out, 0, <usize>count << 2)
}
