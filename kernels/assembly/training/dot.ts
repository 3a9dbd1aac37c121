/** Products with a transposed right matrix: dot products of rows, four by two of them at a time. */
import { madd } from './fused.ts'
import { sumOf } from './lanes.ts'

/** The first `count` (1 to 3) values at an address, and zeros. */
@inline
function part(from: usize, count: u32): v128 {
  if (count == 1) return v128.load32_zero(from)
  const two = v128.load64_zero(from)
  return count == 2 ? two : v128.load_lane<f32>(from, two, 2, 8)
}

/**
 * c (m × k) ← c·(mode == ADD) + a·bᵀ with a (m × n) and b (k × n), all row by row: the gradient of a dense layer's inputs.
 *
 * @param aStep, bStep, cStep bytes from row to row
 */
export function multiplyByTransposed(
  a: usize,
  aStep: usize,
  b: usize,
  bStep: usize,
  c: usize,
  cStep: usize,
  m: u32,
  n: u32,
  k: u32,
  add: u32,
): void {
  let j: u32 = 0
  for (; j + 2 <= k; j += 2) {
    let x = a
    let out = c
    let i: u32 = 0
    for (; i + 4 <= m; i += 4) {
      fourByTwo(x, aStep, b, b + bStep, n, out, cStep, add)
      x += 4 * aStep
      out += 4 * cStep
    }
    for (; i < m; i++) {
      one(x, b, n, out, add)
      one(x, b + bStep, n, out + 4, add)
      x += aStep
      out += cStep
    }
    b += 2 * bStep
    c += 8
  }
  if (j == k) return
  for (let i: u32 = 0; i < m; i++) {
    one(a, b, n, c, add)
    a += aStep
    c += cStep
  }
}

function fourByTwo(a0: usize, aStep: usize, b: usize, d: usize, n: u32, c: usize, cStep: usize, add: u32): void {
  const zero = f32x4.splat(0)
  let p0 = zero
  let q0 = zero
  let p1 = zero
  let q1 = zero
  let p2 = zero
  let q2 = zero
  let p3 = zero
  let q3 = zero
  let a1 = a0 + aStep
  let a2 = a1 + aStep
  let a3 = a2 + aStep
  for (let left = n >> 2; left > 0; left--) {
    const x = v128.load(b)
    const y = v128.load(d)
    const r0 = v128.load(a0)
    p0 = madd(r0, x, p0)
    q0 = madd(r0, y, q0)
    const r1 = v128.load(a1)
    p1 = madd(r1, x, p1)
    q1 = madd(r1, y, q1)
    const r2 = v128.load(a2)
    p2 = madd(r2, x, p2)
    q2 = madd(r2, y, q2)
    const r3 = v128.load(a3)
    p3 = madd(r3, x, p3)
    q3 = madd(r3, y, q3)
    b += 16
    d += 16
    a0 += 16
    a1 += 16
    a2 += 16
    a3 += 16
  }
  const rest = n & 3
  if (rest != 0) {
    const x = part(b, rest)
    const y = part(d, rest)
    const r0 = part(a0, rest)
    p0 = madd(r0, x, p0)
    q0 = madd(r0, y, q0)
    const r1 = part(a1, rest)
    p1 = madd(r1, x, p1)
    q1 = madd(r1, y, q1)
    const r2 = part(a2, rest)
    p2 = madd(r2, x, p2)
    q2 = madd(r2, y, q2)
    const r3 = part(a3, rest)
    p3 = madd(r3, x, p3)
    q3 = madd(r3, y, q3)
  }
  pair(p0, q0, c, add)
  pair(p1, q1, c + cStep, add)
  pair(p2, q2, c + 2 * cStep, add)
  pair(p3, q3, c + 3 * cStep, add)
}

/** Two sums side by side. */
@inline
function pair(p: v128, q: v128, c: usize, add: u32): void {
  const halves = f32x4.add(v128.shuffle<f32>(p, q, 0, 1, 4, 5), v128.shuffle<f32>(p, q, 2, 3, 6, 7))
  let sums = f32x4.add(v128.shuffle<f32>(halves, halves, 0, 2, 0, 2), v128.shuffle<f32>(halves, halves, 1, 3, 1, 3))
  if (add != 0) sums = f32x4.add(sums, v128.load64_zero(c))
  v128.store64_lane(c, sums, 0)
}

function one(a: usize, b: usize, n: u32, c: usize, add: u32): void {
  let p = f32x4.splat(0)
  for (let left = n >> 2; left > 0; left--) {
    p = madd(v128.load(a), v128.load(b), p)
    a += 16
    b += 16
  }
  const rest = n & 3
  if (rest != 0) p = madd(part(a, rest), part(b, rest), p)
  const value = sumOf(p)
  store<f32>(c, add == 0 ? value : load<f32>(c) + value)
}
