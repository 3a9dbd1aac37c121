/**
 * Products of float32 matrices, as tiles of up to four rows by eight columns that stay in registers while the common axis
 * goes by. The left matrix comes with the rows of a tile side by side: as panels (`packRows`), or as it lies when it is to be
 * transposed. The right matrix comes row by row: as it lies, or as panels of eight columns (`packColumns`).
 *
 * Loads go up to 28 bytes beyond the end of a row of the right matrix and 16 beyond the left one; what is there has no part
 * in any result, but must be memory.
 */
import { madd } from './fused.ts'
import { packRows, STRIP } from './panels.ts'

/** Depth of a block: so deep a strip of the right matrix, and its neighbour, stay in the first-level cache. */
export const DEPTH: u32 = 256

/** What a product does with what its output holds. */
export const SET: u32 = 0
export const ADD: u32 = 1
/** Begins with the bias, one value for each column. */
export const BIAS: u32 = 2

/**
 * One tile: c[i][j] ← begin[i][j] + alpha · Σ_p a[p][i] · b[p][j] for `rows` (a constant from 1 to 4) rows and `width` ≤ 8 columns.
 *
 * @param isWhole a constant; true: four rows and eight columns, begun with c itself, and nothing else is asked
 * @param begin address of what is begun with, row i at begin + i·beginStep; 0: zeros
 * @param relu 1: negative results become 0
 */
@inline
function tile(
  rows: u32,
  isWhole: bool,
  a: usize,
  aStep: usize,
  b: usize,
  bStep: usize,
  depth: u32,
  c: usize,
  cStep: usize,
  width: u32,
  begin: usize,
  beginStep: usize,
  alpha: f32,
  relu: u32,
): void {
  const zero = f32x4.splat(0)
  let p0 = zero
  let q0 = zero
  let p1 = zero
  let q1 = zero
  let p2 = zero
  let q2 = zero
  let p3 = zero
  let q3 = zero
  for (let left = depth; left > 0; left--) {
    const x = v128.load(b)
    const y = v128.load(b, 16)
    b += bStep
    const a0 = v128.load32_splat(a)
    p0 = madd(a0, x, p0)
    q0 = madd(a0, y, q0)
    if (rows > 1) {
      const a1 = v128.load32_splat(a, 4)
      p1 = madd(a1, x, p1)
      q1 = madd(a1, y, q1)
    }
    if (rows > 2) {
      const a2 = v128.load32_splat(a, 8)
      p2 = madd(a2, x, p2)
      q2 = madd(a2, y, q2)
    }
    if (rows > 3) {
      const a3 = v128.load32_splat(a, 12)
      p3 = madd(a3, x, p3)
      q3 = madd(a3, y, q3)
    }
    a += aStep
  }
  if (isWhole) {
    const factor = f32x4.splat(alpha)
    addTo(c, p0, q0, factor)
    addTo(c + cStep, p1, q1, factor)
    addTo(c + 2 * cStep, p2, q2, factor)
    addTo(c + 3 * cStep, p3, q3, factor)
    return
  }
  finish(p0, q0, c, width, begin, alpha, relu)
  if (rows > 1) finish(p1, q1, c + cStep, width, begin == 0 ? 0 : begin + beginStep, alpha, relu)
  if (rows > 2) finish(p2, q2, c + 2 * cStep, width, begin == 0 ? 0 : begin + 2 * beginStep, alpha, relu)
  if (rows > 3) finish(p3, q3, c + 3 * cStep, width, begin == 0 ? 0 : begin + 3 * beginStep, alpha, relu)
}

@inline
function addTo(c: usize, p: v128, q: v128, factor: v128): void {
  v128.store(c, f32x4.add(v128.load(c), f32x4.mul(p, factor)))
  v128.store(c, f32x4.add(v128.load(c, 16), f32x4.mul(q, factor)), 16)
}

@inline
function finish(p: v128, q: v128, c: usize, width: u32, begin: usize, alpha: f32, relu: u32): void {
  if (alpha != 1) {
    const factor = f32x4.splat(alpha)
    p = f32x4.mul(p, factor)
    q = f32x4.mul(q, factor)
  }
  if (begin != 0) {
    p = f32x4.add(p, v128.load(begin))
    q = f32x4.add(q, v128.load(begin, 16))
  }
  if (relu != 0) {
    // A NaN stays: the loss must see it.
    p = f32x4.max(p, f32x4.splat(0))
    q = f32x4.max(q, f32x4.splat(0))
  }
  if (width == STRIP) {
    v128.store(c, p)
    v128.store(c, q, 16)
  } else {
    storePart(p, q, c, width)
  }
}

function storePart(p: v128, q: v128, c: usize, width: u32): void {
  let x = p
  if (width >= 4) {
    v128.store(c, p)
    c += 16
    width -= 4
    x = q
  }
  if (width >= 1) v128.store_lane<f32>(c, x, 0)
  if (width >= 2) v128.store_lane<f32>(c, x, 1, 4)
  if (width >= 3) v128.store_lane<f32>(c, x, 2, 8)
}

/** The tiles of one strip of columns: `count` panels of four rows, one under the other. */
function fours(
  panel: usize,
  count: u32,
  b: usize,
  bStep: usize,
  depth: u32,
  c: usize,
  cStep: usize,
  width: u32,
  begin: usize,
  beginStep: usize,
  relu: u32,
): void {
  const panelStep = <usize>depth << 4
  for (; count > 0; count--) {
    tile(4, false, panel, 16, b, bStep, depth, c, cStep, width, begin, beginStep, 1, relu)
    panel += panelStep
    c += 4 * cStep
    if (begin != 0) begin += 4 * beginStep
  }
}

function three(panel: usize, b: usize, bStep: usize, depth: u32, c: usize, cStep: usize, width: u32, begin: usize, beginStep: usize, relu: u32): void {
  tile(3, false, panel, 12, b, bStep, depth, c, cStep, width, begin, beginStep, 1, relu)
}

function two(panel: usize, b: usize, bStep: usize, depth: u32, c: usize, cStep: usize, width: u32, begin: usize, beginStep: usize, relu: u32): void {
  tile(2, false, panel, 8, b, bStep, depth, c, cStep, width, begin, beginStep, 1, relu)
}

function one(panel: usize, b: usize, bStep: usize, depth: u32, c: usize, cStep: usize, width: u32, begin: usize, beginStep: usize, relu: u32): void {
  tile(1, false, panel, 4, b, bStep, depth, c, cStep, width, begin, beginStep, 1, relu)
}

/** The tiles of `rows` (a constant) rows, one beside the other. */
@inline
function across(
  rows: u32,
  a: usize,
  aStep: usize,
  b: usize,
  bStep: usize,
  depth: u32,
  c: usize,
  n: u32,
  mode: u32,
  alpha: f32,
): void {
  const cStep = <usize>n << 2
  let column: u32 = 0
  // The gradient of a batch is shallow: what is asked at the end of a tile would cost a tenth of it.
  if (rows == 4 && mode == ADD) {
    for (; column + STRIP <= n; column += STRIP) {
      tile(4, true, a, aStep, b, bStep, depth, c, cStep, STRIP, c, cStep, alpha, 0)
      b += STRIP << 2
      c += STRIP << 2
    }
  }
  for (; column < n; column += STRIP) {
    tile(rows, false, a, aStep, b, bStep, depth, c, cStep, min(STRIP, n - column), mode == ADD ? c : 0, cStep, alpha, 0)
    b += STRIP << 2
    c += STRIP << 2
  }
}

function acrossFour(a: usize, aStep: usize, b: usize, bStep: usize, depth: u32, c: usize, n: u32, mode: u32, alpha: f32): void {
  across(4, a, aStep, b, bStep, depth, c, n, mode, alpha)
}

function acrossThree(a: usize, aStep: usize, b: usize, bStep: usize, depth: u32, c: usize, n: u32, mode: u32, alpha: f32): void {
  across(3, a, aStep, b, bStep, depth, c, n, mode, alpha)
}

function acrossTwo(a: usize, aStep: usize, b: usize, bStep: usize, depth: u32, c: usize, n: u32, mode: u32, alpha: f32): void {
  across(2, a, aStep, b, bStep, depth, c, n, mode, alpha)
}

function acrossOne(a: usize, aStep: usize, b: usize, bStep: usize, depth: u32, c: usize, n: u32, mode: u32, alpha: f32): void {
  across(1, a, aStep, b, bStep, depth, c, n, mode, alpha)
}

/**
 * c (m × n) ← begin + a·b with a (m × k) row by row and b (k × n).
 *
 * @param aStep bytes from row to row of a
 * @param bStep, stripStep bytes from row to row, and from strip of eight columns to strip, of b
 * @param mode SET, ADD or BIAS
 * @param panels room for m × min(k, 256) values, where a is packed
 */
export function multiply(
  a: usize,
  aStep: usize,
  b: usize,
  bStep: usize,
  stripStep: usize,
  c: usize,
  m: u32,
  k: u32,
  n: u32,
  mode: u32,
  bias: usize,
  relu: u32,
  panels: usize,
): void {
  const cStep = <usize>n << 2
  for (let at: u32 = 0; at < k; at += DEPTH) {
    const depth = min(DEPTH, k - at)
    packRows(a + (<usize>at << 2), aStep, m, depth, panels)
    const isFirst = at == 0
    const ends = relu != 0 && at + depth == k ? 1 : 0
    for (let column: u32 = 0; column < n; column += STRIP) {
      const width = min(STRIP, n - column)
      const strip = b + <usize>(column / STRIP) * stripStep + <usize>at * bStep
      const offset = <usize>column << 2
      const target = c + offset
      let begin: usize = 0
      let beginStep: usize = 0
      if (!isFirst || mode == ADD) {
        begin = target
        beginStep = cStep
      } else if (mode == BIAS) {
        begin = bias + offset
      }
      const count = m >> 2
      fours(panels, count, strip, bStep, depth, target, cStep, width, begin, beginStep, ends)
      const left = m & 3
      if (left == 0) continue
      const panel = panels + (<usize>(count << 2) * <usize>depth << 2)
      const last = target + <usize>(count << 2) * cStep
      const lastBegin: usize = begin == 0 ? 0 : begin + <usize>(count << 2) * beginStep
      if (left == 3) three(panel, strip, bStep, depth, last, cStep, width, lastBegin, beginStep, ends)
      else if (left == 2) two(panel, strip, bStep, depth, last, cStep, width, lastBegin, beginStep, ends)
      else one(panel, strip, bStep, depth, last, cStep, width, lastBegin, beginStep, ends)
    }
  }
}

/**
 * c (k × n) ← c·(mode == ADD) + alpha · aᵀ·b with a (m × k) and b (m × n), both row by row: the gradient of a kernel, or with
 * alpha = −rate the step itself.
 *
 * @param aStep, bStep bytes from row to row
 */
export function multiplyTransposed(
  a: usize,
  aStep: usize,
  b: usize,
  bStep: usize,
  c: usize,
  m: u32,
  k: u32,
  n: u32,
  mode: u32,
  alpha: f32,
): void {
  const stripes = k & ~3
  let row: u32 = 0
  for (; row < stripes; row += 4) {
    acrossFour(a, aStep, b, bStep, m, c, n, mode, alpha)
    a += 16
    c += <usize>n << 4
  }
  const left = k & 3
  if (left == 3) acrossThree(a, aStep, b, bStep, m, c, n, mode, alpha)
  else if (left == 2) acrossTwo(a, aStep, b, bStep, m, c, n, mode, alpha)
  else if (left == 1) acrossOne(a, aStep, b, bStep, m, c, n, mode, alpha)
}
