/**
 * Inner products of float32 rows over one strip of at most 1,024 columns.
 *
 * The value of a pair is the same to the bit in every block shape and in both orders: one accumulator of four float32
 * lanes for each pair, columns in ascending order, column c in lane c mod 4; then (lane 0 + lane 2) + (lane 1 + lane 3)
 * in float64. Whoever changes one block changes all of them.
 */

@inline
function total(lanes: v128): f64 {
  const halves = f64x2.add(
    f64x2.promote_low_f32x4(lanes),
    f64x2.promote_low_f32x4(v128.shuffle<i32>(lanes, lanes, 2, 3, 2, 3)),
  )
  return f64x2.extract_lane(halves, 0) + f64x2.extract_lane(halves, 1)
}

@inline
function add(at: usize, lanes: v128): void {
  store<f64>(at, load<f64>(at) + total(lanes))
}

@inline
function row(rows: usize, i: u32, offset: usize): usize {
  return (load<u32>(rows + (<usize>i << 2)) as usize) + offset
}

/** All ones in the first `count` (0 to 3) lanes: a row's last four columns may hold something else behind its end. */
@inline
function firstLanes(count: u32): v128 {
  return i32x4.lt_u(i32x4(0, 1, 2, 3), i32x4.splat(count))
}

/**
 * Adds the products of rows i and j over a strip to out[(i − first) · n + j], for first ≤ i < last and 0 ≤ j ≤ i.
 * Places with j > i hold nothing of use afterwards.
 *
 * @param rows n addresses (u32) of float32 rows, multiples of 16
 * @param begin first column of the strip, a multiple of 4
 * @param columns at most 1,024
 * @param out (last − first) × n float64 values
 */
export function gram(rows: usize, n: u32, first: u32, last: u32, begin: u32, columns: u32, out: usize): void {
  const offset = <usize>begin << 2
  const bytes = <usize>(columns & ~3) << 2
  const rest = firstLanes(columns & 3)
  const hasRest = (columns & 3) != 0
  const stride = <usize>n << 3
  let i = first
  for (; !hasRest && i + 3 <= last; i += 3, out += 3 * stride) {
    const a0 = row(rows, i, offset)
    const a1 = row(rows, i + 1, offset)
    const a2 = row(rows, i + 2, offset)
    for (let j: u32 = 0; j < i + 3; j += 2) {
      const two = j + 1 < n
      const b0 = row(rows, j, offset)
      const b1 = two ? row(rows, j + 1, offset) : b0
      block3x2(a0, a1, a2, b0, b1, bytes, out + (<usize>j << 3), stride, two)
    }
  }
  for (; i < last; i++, out += stride) {
    const a = row(rows, i, offset)
    let j: u32 = 0
    for (; j + 4 <= i + 1; j += 4) {
      block1x4(
        a,
        row(rows, j, offset),
        row(rows, j + 1, offset),
        row(rows, j + 2, offset),
        row(rows, j + 3, offset),
        bytes,
        hasRest,
        rest,
        out + (<usize>j << 3),
      )
    }
    for (; j <= i; j++) block1x1(a, row(rows, j, offset), bytes, hasRest, rest, out + (<usize>j << 3))
  }
}

// V8 puts all loads of a loop before what is done with them: 3 × 2 needs 12 of the 15 registers that it has on x86, and
// is faster than 4 × 2 by a fifth and than 3 × 3, which spills, by a factor of two. A rest in here would cost another fifth:
// so the strip that has one, the last, is left to the smaller blocks.
function block3x2(
  a0: usize,
  a1: usize,
  a2: usize,
  b0: usize,
  b1: usize,
  bytes: usize,
  out: usize,
  stride: usize,
  two: bool,
): void {
  let s00 = f32x4.splat(0)
  let s01 = f32x4.splat(0)
  let s10 = f32x4.splat(0)
  let s11 = f32x4.splat(0)
  let s20 = f32x4.splat(0)
  let s21 = f32x4.splat(0)
  const end = a0 + bytes
  while (a0 < end) {
    const x0 = v128.load(a0)
    const x1 = v128.load(a1)
    const x2 = v128.load(a2)
    const y0 = v128.load(b0)
    const y1 = v128.load(b1)
    s00 = f32x4.add(s00, f32x4.mul(x0, y0))
    s01 = f32x4.add(s01, f32x4.mul(x0, y1))
    s10 = f32x4.add(s10, f32x4.mul(x1, y0))
    s11 = f32x4.add(s11, f32x4.mul(x1, y1))
    s20 = f32x4.add(s20, f32x4.mul(x2, y0))
    s21 = f32x4.add(s21, f32x4.mul(x2, y1))
    a0 += 16
    a1 += 16
    a2 += 16
    b0 += 16
    b1 += 16
  }
  add(out, s00)
  add(out + stride, s10)
  add(out + 2 * stride, s20)
  if (two) {
    add(out + 8, s01)
    add(out + stride + 8, s11)
    add(out + 2 * stride + 8, s21)
  }
}

function block1x4(
  a: usize,
  b0: usize,
  b1: usize,
  b2: usize,
  b3: usize,
  bytes: usize,
  hasRest: bool,
  rest: v128,
  out: usize,
): void {
  let s0 = f32x4.splat(0)
  let s1 = f32x4.splat(0)
  let s2 = f32x4.splat(0)
  let s3 = f32x4.splat(0)
  const end = a + bytes
  while (a < end) {
    const x = v128.load(a)
    s0 = f32x4.add(s0, f32x4.mul(x, v128.load(b0)))
    s1 = f32x4.add(s1, f32x4.mul(x, v128.load(b1)))
    s2 = f32x4.add(s2, f32x4.mul(x, v128.load(b2)))
    s3 = f32x4.add(s3, f32x4.mul(x, v128.load(b3)))
    a += 16
    b0 += 16
    b1 += 16
    b2 += 16
    b3 += 16
  }
  if (hasRest) {
    const x = v128.and(v128.load(a), rest)
    s0 = f32x4.add(s0, f32x4.mul(x, v128.and(v128.load(b0), rest)))
    s1 = f32x4.add(s1, f32x4.mul(x, v128.and(v128.load(b1), rest)))
    s2 = f32x4.add(s2, f32x4.mul(x, v128.and(v128.load(b2), rest)))
    s3 = f32x4.add(s3, f32x4.mul(x, v128.and(v128.load(b3), rest)))
  }
  add(out, s0)
  add(out + 8, s1)
  add(out + 16, s2)
  add(out + 24, s3)
}

function block1x1(a: usize, b: usize, bytes: usize, hasRest: bool, rest: v128, out: usize): void {
  let sum = f32x4.splat(0)
  const end = a + bytes
  while (a < end) {
    sum = f32x4.add(sum, f32x4.mul(v128.load(a), v128.load(b)))
    a += 16
    b += 16
  }
  if (hasRest) sum = f32x4.add(sum, f32x4.mul(v128.and(v128.load(a), rest), v128.and(v128.load(b), rest)))
  add(out, sum)
}

/** Adds `count` float64 values at `from` to those at `to`, and leaves zeros at `from`. */
export function move(to: usize, from: usize, count: u32): void {
  for (const end = to + (<usize>count << 3); to < end; to += 8, from += 8) {
    store<f64>(to, load<f64>(to) + load<f64>(from))
    store<f64>(from, 0)
  }
}
