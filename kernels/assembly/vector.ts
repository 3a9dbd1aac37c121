/**
 * out[j] −= before[j] in float32; gives 1 when every result is finite, else 0.
 *
 * @param out, before addresses of float32 values, multiples of 4
 */
export function subtract(out: usize, before: usize, length: u32): u32 {
  const zero = f32x4.splat(0)
  // Zero times a finite number is zero; times anything else it is NaN, which stays.
  let a = zero
  let b = zero
  for (const end = out + (<usize>(length & ~7) << 2); out < end; out += 32, before += 32) {
    const x = f32x4.sub(v128.load(out), v128.load(before))
    const y = f32x4.sub(v128.load(out, 16), v128.load(before, 16))
    v128.store(out, x)
    v128.store(out, y, 16)
    a = f32x4.add(a, f32x4.mul(x, zero))
    b = f32x4.add(b, f32x4.mul(y, zero))
  }
  let rest: f32 = 0
  for (const end = out + (<usize>(length & 7) << 2); out < end; out += 4, before += 4) {
    const x = load<f32>(out) - load<f32>(before)
    store<f32>(out, x)
    rest += x * 0
  }
  return <u32>(v128.any_true(f32x4.ne(f32x4.add(a, b), zero)) == false && rest == 0)
}

/**
 * Σ values[j]² in float64: eight sums, value j in number j mod 8, then ((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7)) + the last
 * values that make no eight. Fewer sums would wait for one another's additions.
 */
export function squares(values: usize, length: u32): f64 {
  let a = f64x2.splat(0)
  let b = f64x2.splat(0)
  let c = f64x2.splat(0)
  let d = f64x2.splat(0)
  for (const end = values + (<usize>(length & ~7) << 2); values < end; values += 32) {
    const x = v128.load(values)
    const y = v128.load(values, 16)
    const p = f64x2.promote_low_f32x4(x)
    const q = f64x2.promote_low_f32x4(v128.shuffle<i32>(x, x, 2, 3, 2, 3))
    const r = f64x2.promote_low_f32x4(y)
    const s = f64x2.promote_low_f32x4(v128.shuffle<i32>(y, y, 2, 3, 2, 3))
    a = f64x2.add(a, f64x2.mul(p, p))
    b = f64x2.add(b, f64x2.mul(q, q))
    c = f64x2.add(c, f64x2.mul(r, r))
    d = f64x2.add(d, f64x2.mul(s, s))
  }
  let rest: f64 = 0
  for (const end = values + (<usize>(length & 7) << 2); values < end; values += 4) {
    const x = <f64>load<f32>(values)
    rest += x * x
  }
  return pair(a) + pair(b) + (pair(c) + pair(d)) + rest
}

function pair(sums: v128): f64 {
  return f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1)
}

/**
 * out[j] += other[j] modulo 2³², or −= with `negative` other than 0.
 *
 * @param out, other addresses of 32-bit integers, multiples of 4
 */
export function addLanes(out: usize, other: usize, length: u32, negative: u32): void {
  const end = out + (<usize>(length & ~7) << 2)
  if (negative == 0) {
    for (; out < end; out += 32, other += 32) {
      v128.store(out, i32x4.add(v128.load(out), v128.load(other)))
      v128.store(out, i32x4.add(v128.load(out, 16), v128.load(other, 16)), 16)
    }
  } else {
    for (; out < end; out += 32, other += 32) {
      v128.store(out, i32x4.sub(v128.load(out), v128.load(other)))
      v128.store(out, i32x4.sub(v128.load(out, 16), v128.load(other, 16)), 16)
    }
  }
  for (const last = end + (<usize>(length & 7) << 2); out < last; out += 4, other += 4) {
    const lane = load<u32>(other)
    store<u32>(out, load<u32>(out) + (negative == 0 ? lane : 0 - lane))
  }
}
