/**
 * Writes at `out` how many of `columns` float32 values from column `begin` of a row on are above zero, and behind it how
 * many are below (two u32).
 *
 * @param begin a multiple of 4
 * @param columns less than 2³¹
 */
export function signs(row: usize, begin: u32, columns: u32, out: usize): void {
  const zero = f32x4.splat(0)
  let at = row + (<usize>begin << 2)
  // A comparison gives −1 in each lane where it holds; two sums of each, as one waits for its last addition.
  let above0 = i32x4.splat(0)
  let above1 = i32x4.splat(0)
  let below0 = i32x4.splat(0)
  let below1 = i32x4.splat(0)
  for (const end = at + (<usize>(columns & ~7) << 2); at < end; at += 32) {
    const x = v128.load(at)
    const y = v128.load(at, 16)
    above0 = i32x4.sub(above0, f32x4.gt(x, zero))
    below0 = i32x4.sub(below0, f32x4.lt(x, zero))
    above1 = i32x4.sub(above1, f32x4.gt(y, zero))
    below1 = i32x4.sub(below1, f32x4.lt(y, zero))
  }
  let positive = sum(i32x4.add(above0, above1))
  let negative = sum(i32x4.add(below0, below1))
  for (const end = at + (<usize>(columns & 7) << 2); at < end; at += 4) {
    const x = load<f32>(at)
    positive += <u32>(x > 0)
    negative += <u32>(x < 0)
  }
  store<u32>(out, positive)
  store<u32>(out, negative, 4)
}

function sum(lanes: v128): u32 {
  return (
    i32x4.extract_lane(lanes, 0) +
    i32x4.extract_lane(lanes, 1) +
    i32x4.extract_lane(lanes, 2) +
    i32x4.extract_lane(lanes, 3)
  )
}
