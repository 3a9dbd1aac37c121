/**
 * Order statistics of the columns of float32 rows. Eight columns at a time are packed into a *tile*, [row][8 columns],
 * which a sorting network works on: 32 bytes a row, so that 100 rows stay in the first-level cache.
 */

/** Bytes of a row in a tile. */
const ROW: usize = 32

/** Bytes that `columns` needs for its tiles. */
export function tileBytes(rows: u32, mixed: u32, columns: u32): u32 {
  return (((columns + 7) >> 3) * rows + mixed) * <u32>ROW + 64
}

/**
 * Writes the reduction of `columns` columns from `begin` on.
 *
 * @param rows n addresses (u32) of float32 rows, multiples of 16
 * @param begin a multiple of 4
 * @param mix with m > 0 the columns are those of the m rows Σ mix[k][i]·rows[i]: ⌈m/4⌉ × n × 4 float32 coefficients,
 *   those of four rows beside each other
 * @param network `comparators` pairs of offsets in a tile (u32), the smaller value goes to the first
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
  network: usize,
  comparators: u32,
  low: u32,
  high: u32,
  keep: u32,
  scratch: usize,
  out: usize,
): void {
  const count = m > 0 ? m : n
  const tileSize = <usize>n * ROW
  const results = scratch
  const mixed = scratch + 64
  const tiles = mixed + <usize>m * ROW
  pack(rows, n, begin, columns, tiles, tileSize)
  out += <usize>begin << 3
  let tile = tiles
  for (let left = columns; left > 0; tile += tileSize) {
    if (m > 0) mixTile(tile, n, mix, m, mixed)
    const sorted = m > 0 ? mixed : tile
    sort(sorted, network, comparators)
    const width = min<u32>(8, left)
    const to = width == 8 ? out : results
    if (keep > 0) nearest(sorted, count, keep, to)
    else middle(sorted, low, high, to)
    if (width < 8) memory.copy(out, results, <usize>width << 3)
    out += 64
    left -= width
  }
}

/** Row by row, as memory is read best; what stands behind the end of a row's columns stays in its own lanes. */
function pack(rows: usize, n: u32, begin: u32, columns: u32, tiles: usize, tileSize: usize): void {
  const pairs = (columns + 3) >> 2
  for (let i: u32 = 0; i < n; i++) {
    let from = (load<u32>(rows + (<usize>i << 2)) as usize) + (<usize>begin << 2)
    let to = tiles + <usize>i * ROW
    for (let pair: u32 = 0; pair + 2 <= pairs; pair += 2) {
      v128.store(to, v128.load(from))
      v128.store(to, v128.load(from, 16), 16)
      from += 32
      to += tileSize
    }
    if (pairs & 1) {
      v128.store(to, v128.load(from))
      v128.store(to, f32x4.splat(0), 16)
    }
  }
}

/** Four mixed rows at a time; the products of an output are added up in the order of the rows. */
function mixTile(tile: usize, n: u32, mix: usize, m: u32, mixed: usize): void {
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
    v128.store(mixed, a0)
    v128.store(mixed, a1, 16)
    if (k + 1 < m) {
      v128.store(mixed, b0, 32)
      v128.store(mixed, b1, 48)
    }
    if (k + 2 < m) {
      v128.store(mixed, c0, 64)
      v128.store(mixed, c1, 80)
    }
    if (k + 3 < m) {
      v128.store(mixed, d0, 96)
      v128.store(mixed, d1, 112)
    }
    mixed += 128
  }
}

// pmin(a, b) is b < a ? b : a and pmax(b, a) is b < a ? a : b: equal values, +0 and −0 among them, stay where they are.
function sort(tile: usize, network: usize, comparators: u32): void {
  for (const end = network + (<usize>comparators << 3); network < end; network += 8) {
    const first = tile + (load<u32>(network) as usize)
    const second = tile + (load<u32>(network, 4) as usize)
    const a0 = v128.load(first)
    const a1 = v128.load(first, 16)
    const b0 = v128.load(second)
    const b1 = v128.load(second, 16)
    v128.store(first, f32x4.pmin(a0, b0))
    v128.store(first, f32x4.pmin(a1, b1), 16)
    v128.store(second, f32x4.pmax(b0, a0))
    v128.store(second, f32x4.pmax(b1, a1), 16)
  }
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
