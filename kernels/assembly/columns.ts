/**
 * Order statistics of the columns of float32 rows. Sixteen columns at a time are packed into a *tile*, [row][16 columns],
 * which a sorting network works on: a cache line a row, so that 100 rows stay in the first-level cache.
 */

/** Bytes of a row in a tile. */
const ROW: usize = 64
const COLUMNS: u32 = 16

/** Bytes that `columns` needs for its tiles. */
export function tileBytes(rows: u32, mixed: u32, columns: u32): u32 {
  return (((columns + COLUMNS - 1) / COLUMNS) * rows + mixed) * <u32>ROW + 128
}

/**
 * Writes the reduction of `columns` columns from `begin` on.
 *
 * @param rows n addresses (u32) of float32 rows, multiples of 16
 * @param begin a multiple of 4
 * @param mix with m > 0 the columns are those of the m rows Σ mix[k][i]·rows[i]: ⌈m/4⌉ × n × 4 float32 coefficients,
 *   those of four rows beside each other
 * @param program what sorts a tile, see `sort`
 * @param programEnd the address behind it
 * @param keep 0: out[c] is the mean of the sorted values from `low` up to before `high`; otherwise the mean of the `keep`
 *   of all values that are nearest to the median
 * @param scratch `tileBytes(n, m, columns)` bytes, a multiple of 16
 * @param out float64 values of all columns
 */
export function columns(
  rows: usize,
  n: u32,
  begin: u32,
  columns: u32,
  mix: usize,
  m: u32,
  program: usize,
  programEnd: usize,
  low: u32,
  high: u32,
  keep: u32,
  scratch: usize,
  out: usize,
): void {
  const count = m > 0 ? m : n
  const tileSize = <usize>n * ROW
  const results = scratch
  const mixed = scratch + 128
  const tiles = mixed + <usize>m * ROW
  pack(rows, n, begin, columns, tiles, tileSize)
  out += <usize>begin << 3
  let tile = tiles
  for (let left = columns; left > 0; tile += tileSize) {
    if (m > 0) {
      mixHalf(tile, n, mix, m, mixed)
      mixHalf(tile + 32, n, mix, m, mixed + 32)
    }
    const sorted = m > 0 ? mixed : tile
    sort(sorted, program, programEnd)
    const width = min<u32>(COLUMNS, left)
    const to = width == COLUMNS ? out : results
    if (keep > 0) {
      nearest(sorted, count, keep, to)
    } else {
      middle(sorted, low, high, to)
      middle(sorted + 32, low, high, to + 64)
    }
    if (width < COLUMNS) memory.copy(out, results, <usize>width << 3)
    out += 128
    left -= width
  }
}

/** Row by row, as memory is read best. What stands behind the end of a row, or in the tile, stays in its own lanes. */
function pack(rows: usize, n: u32, begin: u32, columns: u32, tiles: usize, tileSize: usize): void {
  const quads = (columns + 3) >> 2
  for (let i: u32 = 0; i < n; i++) {
    let from = (load<u32>(rows + (<usize>i << 2)) as usize) + (<usize>begin << 2)
    let to = tiles + <usize>i * ROW
    for (const end = from + (<usize>(quads & ~3) << 4); from < end; from += 64, to += tileSize) {
      v128.store(to, v128.load(from))
      v128.store(to, v128.load(from, 16), 16)
      v128.store(to, v128.load(from, 32), 32)
      v128.store(to, v128.load(from, 48), 48)
    }
    for (const end = from + (<usize>(quads & 3) << 4); from < end; from += 16, to += 16) v128.store(to, v128.load(from))
  }
}

/** Eight columns, four mixed rows at a time; the products of an output are added up in the order of the rows. */
function mixHalf(tile: usize, n: u32, mix: usize, m: u32, mixed: usize): void {
  const tileEnd = tile + <usize>n * ROW
  for (let k: u32 = 0; k < m; k += 4) {
    let a0 = f32x4.splat(0)
    let a1 = f32x4.splat(0)
    let b0 = f32x4.splat(0)
    let b1 = f32x4.splat(0)
    let c0 = f32x4.splat(0)
    let c1 = f32x4.splat(0)
    let d0 = f32x4.splat(0)
    let d1 = f32x4.splat(0)
    for (let from = tile; from < tileEnd; from += ROW, mix += 16) {
      const x0 = v128.load(from)
      const x1 = v128.load(from, 16)
      let w = v128.load32_splat(mix)
      a0 = f32x4.add(a0, f32x4.mul(w, x0))
      a1 = f32x4.add(a1, f32x4.mul(w, x1))
      w = v128.load32_splat(mix, 4)
      b0 = f32x4.add(b0, f32x4.mul(w, x0))
      b1 = f32x4.add(b1, f32x4.mul(w, x1))
      w = v128.load32_splat(mix, 8)
      c0 = f32x4.add(c0, f32x4.mul(w, x0))
      c1 = f32x4.add(c1, f32x4.mul(w, x1))
      w = v128.load32_splat(mix, 12)
      d0 = f32x4.add(d0, f32x4.mul(w, x0))
      d1 = f32x4.add(d1, f32x4.mul(w, x1))
    }
    put(mixed, a0, a1)
    if (k + 1 < m) put(mixed + ROW, b0, b1)
    if (k + 2 < m) put(mixed + 2 * ROW, c0, c1)
    if (k + 3 < m) put(mixed + 3 * ROW, d0, d1)
    mixed += 4 * ROW
  }
}

@inline
function put(at: usize, low: v128, high: v128): void {
  v128.store(at, low)
  v128.store(at, high, 16)
}

// Comparators come in groups that read and write their rows once. In a run there are groups of one form only:
//
//   form 0   (a b)
//   form 1   (a c) (b d) (b c)
//   form 2   (a b) (c d) (a c) (b d)
//   form 3   (a b) (c d) (a c) (b d) (b c)
//
// where (a b) leaves the smaller value in a. pmin(a, b) is b < a ? b : a and pmax(b, a) is b < a ? a : b: equal values,
// +0 and −0 among them, stay where they are.

/**
 * Sorts the columns of a tile.
 *
 * @param program runs of u32: form, number of groups, then for each group the offsets in the tile of its two rows (form 0)
 *   or four
 */
function sort(tile: usize, program: usize, programEnd: usize): void {
  while (program < programEnd) {
    const form = load<u32>(program)
    const groups = <usize>load<u32>(program, 4)
    program += 8
    if (form == 0) {
      const end = program + (groups << 3)
      for (; program < end; program += 8) pairs(row(tile, program, 0), row(tile, program, 4))
    } else {
      const end = program + (groups << 4)
      if (form == 1) {
        for (; program < end; program += 16) merge(tile, program)
      } else if (form == 2) {
        for (; program < end; program += 16) halves(tile, program)
      } else {
        for (; program < end; program += 16) fours(tile, program)
      }
    }
  }
}

@inline
function row(tile: usize, program: usize, at: usize): usize {
  return tile + (load<u32>(program + at) as usize)
}

@inline
function pairs(a: usize, b: usize): void {
  pair(a, b)
  pair(a + 16, b + 16)
  pair(a + 32, b + 32)
  pair(a + 48, b + 48)
}

@inline
function pair(a: usize, b: usize): void {
  const x = v128.load(a)
  const y = v128.load(b)
  v128.store(a, f32x4.pmin(x, y))
  v128.store(b, f32x4.pmax(y, x))
}

@inline
function merge(tile: usize, program: usize): void {
  const a = row(tile, program, 0)
  const b = row(tile, program, 4)
  const c = row(tile, program, 8)
  const d = row(tile, program, 12)
  mergeLanes(a, b, c, d)
  mergeLanes(a + 16, b + 16, c + 16, d + 16)
  mergeLanes(a + 32, b + 32, c + 32, d + 32)
  mergeLanes(a + 48, b + 48, c + 48, d + 48)
}

@inline
function mergeLanes(a: usize, b: usize, c: usize, d: usize): void {
  const a0 = v128.load(a)
  const b0 = v128.load(b)
  const c0 = v128.load(c)
  const d0 = v128.load(d)
  const a1 = f32x4.pmin(a0, c0)
  const c1 = f32x4.pmax(c0, a0)
  const b1 = f32x4.pmin(b0, d0)
  const d1 = f32x4.pmax(d0, b0)
  const b2 = f32x4.pmin(b1, c1)
  const c2 = f32x4.pmax(c1, b1)
  v128.store(a, a1)
  v128.store(b, b2)
  v128.store(c, c2)
  v128.store(d, d1)
}

@inline
function halves(tile: usize, program: usize): void {
  const a = row(tile, program, 0)
  const b = row(tile, program, 4)
  const c = row(tile, program, 8)
  const d = row(tile, program, 12)
  halvesLanes(a, b, c, d)
  halvesLanes(a + 16, b + 16, c + 16, d + 16)
  halvesLanes(a + 32, b + 32, c + 32, d + 32)
  halvesLanes(a + 48, b + 48, c + 48, d + 48)
}

@inline
function halvesLanes(a: usize, b: usize, c: usize, d: usize): void {
  const a0 = v128.load(a)
  const b0 = v128.load(b)
  const c0 = v128.load(c)
  const d0 = v128.load(d)
  const a1 = f32x4.pmin(a0, b0)
  const b1 = f32x4.pmax(b0, a0)
  const c1 = f32x4.pmin(c0, d0)
  const d1 = f32x4.pmax(d0, c0)
  const a2 = f32x4.pmin(a1, c1)
  const c2 = f32x4.pmax(c1, a1)
  const b2 = f32x4.pmin(b1, d1)
  const d2 = f32x4.pmax(d1, b1)
  v128.store(a, a2)
  v128.store(b, b2)
  v128.store(c, c2)
  v128.store(d, d2)
}

@inline
function fours(tile: usize, program: usize): void {
  const a = row(tile, program, 0)
  const b = row(tile, program, 4)
  const c = row(tile, program, 8)
  const d = row(tile, program, 12)
  foursLanes(a, b, c, d)
  foursLanes(a + 16, b + 16, c + 16, d + 16)
  foursLanes(a + 32, b + 32, c + 32, d + 32)
  foursLanes(a + 48, b + 48, c + 48, d + 48)
}

@inline
function foursLanes(a: usize, b: usize, c: usize, d: usize): void {
  const a0 = v128.load(a)
  const b0 = v128.load(b)
  const c0 = v128.load(c)
  const d0 = v128.load(d)
  const a1 = f32x4.pmin(a0, b0)
  const b1 = f32x4.pmax(b0, a0)
  const c1 = f32x4.pmin(c0, d0)
  const d1 = f32x4.pmax(d0, c0)
  const a2 = f32x4.pmin(a1, c1)
  const c2 = f32x4.pmax(c1, a1)
  const b2 = f32x4.pmin(b1, d1)
  const d2 = f32x4.pmax(d1, b1)
  const b3 = f32x4.pmin(b2, c2)
  const c3 = f32x4.pmax(c2, b2)
  v128.store(a, a2)
  v128.store(b, b3)
  v128.store(c, c3)
  v128.store(d, d2)
}

/** The mean of rows `low` to before `high` of a tile, in the order in which they stand there. */
function middle(tile: usize, low: u32, high: u32, out: usize): void {
  let s0 = f64x2.splat(0)
  let s1 = f64x2.splat(0)
  let s2 = f64x2.splat(0)
  let s3 = f64x2.splat(0)
  const end = tile + <usize>high * ROW
  for (let from = tile + <usize>low * ROW; from < end; from += ROW) {
    s0 = f64x2.add(s0, f64x2.promote_low_f32x4(v128.load64_zero(from)))
    s1 = f64x2.add(s1, f64x2.promote_low_f32x4(v128.load64_zero(from, 8)))
    s2 = f64x2.add(s2, f64x2.promote_low_f32x4(v128.load64_zero(from, 16)))
    s3 = f64x2.add(s3, f64x2.promote_low_f32x4(v128.load64_zero(from, 24)))
  }
  const count = f64x2.splat(<f64>(high - low))
  v128.store(out, f64x2.div(s0, count))
  v128.store(out, f64x2.div(s1, count), 16)
  v128.store(out, f64x2.div(s2, count), 32)
  v128.store(out, f64x2.div(s3, count), 48)
}

/**
 * The mean of the `keep` of m sorted values that are nearest to their median. They stand beside each other; starting
 * with the smallest `keep`, the window moves up as long as what comes in is nearer than what goes out. So row r is out at
 * the lower end when row r + keep is nearer than it, and in at the upper end when it is nearer than row r − keep. Kept
 * values are added up in ascending order, and nothing is ever subtracted from a sum.
 */
function nearest(tile: usize, m: u32, keep: u32, out: usize): void {
  const moves = m - keep
  const lower = tile + <usize>((m - 1) >> 1) * ROW
  const upper = tile + <usize>(m >> 1) * ROW
  const count = f64x2.splat(<f64>keep)
  const half = f64x2.splat(0.5)
  const step = <usize>keep * ROW
  for (let lane: usize = 0; lane < ROW; lane += 8) {
    const median = f64x2.mul(f64x2.add(values(lower + lane), values(upper + lane)), half)
    let sum = f64x2.splat(0)
    let at = tile + lane
    for (let r: u32 = 0; r < m; r++, at += ROW) {
      const value = values(at)
      let kept = value
      if (r < moves) {
        // Out when nearer(at + step, at): the row above comes in for this one.
        kept = v128.andnot(kept, nearer(values(at + step), value, median))
      }
      if (r >= keep) kept = v128.and(kept, nearer(value, values(at - step), median))
      sum = f64x2.add(sum, kept)
    }
    v128.store(out, f64x2.div(sum, count))
    out += 16
  }
}

@inline
function values(at: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load64_zero(at))
}

/** Where a value that is not below `low` is nearer to the median than `low`. */
@inline
function nearer(high: v128, low: v128, median: v128): v128 {
  return f64x2.lt(f64x2.sub(high, median), f64x2.sub(median, low))
}
