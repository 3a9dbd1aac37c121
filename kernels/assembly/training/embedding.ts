/** Rows of a table of `units` float32 values each, by numbers that lie as float32 values as well. */

/**
 * out ← the row of each of `count` numbers.
 *
 * @returns `count`; or the place of the first that is no whole number from 0 to `vocabulary` − 1, before which it stops
 */
export function gatherRows(x: usize, count: u32, table: usize, vocabulary: u32, units: u32, out: usize): u32 {
  const bytes = <usize>units << 2
  for (let i: u32 = 0; i < count; i++, x += 4, out += bytes) {
    const number = load<f32>(x)
    // Also false for NaN.
    if (!(number >= 0 && <f64>number < <f64>vocabulary) || floor<f32>(number) != number) return i
    memory.copy(out, table + <usize>(<u32>number) * bytes, bytes)
  }
  return count
}

/** Adds to row x[i] of the table alpha · d[i], for each of `count` numbers that `gatherRows` has let pass. */
export function scatterRows(x: usize, d: usize, count: u32, units: u32, table: usize, alpha: f32): void {
  const factor = f32x4.splat(alpha)
  for (const last = x + (<usize>count << 2); x < last; x += 4) {
    let row = table + ((<usize>(<u32>load<f32>(x)) * <usize>units) << 2)
    for (const end = row + (<usize>(units & ~3) << 2); row < end; row += 16, d += 16) {
      v128.store(row, f32x4.add(v128.load(row), f32x4.mul(factor, v128.load(d))))
    }
    for (const end = row + (<usize>(units & 3) << 2); row < end; row += 4, d += 4) {
      store<f32>(row, load<f32>(row) + alpha * load<f32>(d))
    }
  }
}

/** sums (count × units) ← d, with the rows of equal numbers added up in the place of their first; the others are zeros. */
export function sumEqualRows(x: usize, d: usize, count: u32, units: u32, sums: usize): void {
  const bytes = <usize>units << 2
  memory.fill(sums, 0, <usize>count * bytes)
  for (let i: u32 = 0; i < count; i++, d += bytes) {
    const number = load<f32>(x + (<usize>i << 2))
    let first: u32 = 0
    while (load<f32>(x + (<usize>first << 2)) != number) first++
    const row = sums + <usize>first * bytes
    for (let at: usize = 0; at < bytes; at += 4) store<f32>(row + at, load<f32>(row + at) + load<f32>(d + at))
  }
}
