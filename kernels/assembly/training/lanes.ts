/** The ends of rows whose length is no multiple of four: what is loaded goes beyond them, what is stored never does. */

/** The first `count` (1 to 3) values. */
@inline
export function storeFirst(to: usize, values: v128, count: u32): void {
  if (count == 1) {
    v128.store_lane<f32>(to, values, 0)
    return
  }
  v128.store64_lane(to, values, 0)
  if (count == 3) v128.store_lane<f32>(to, values, 2, 8)
}

/** All four values, or the first `count` where there are fewer. */
@inline
export function storeUpTo(to: usize, values: v128, count: u32): void {
  if (count >= 4) v128.store(to, values)
  else storeFirst(to, values, count)
}

/** Zeros where `count` (0 to 3) values have ended. */
@inline
export function keepFirst(values: v128, count: u32): v128 {
  return v128.and(values, i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(count)))
}

/** The sum of the four. */
@inline
export function sumOf(x: v128): f32 {
  const pairs = f32x4.add(x, v128.shuffle<f32>(x, x, 2, 3, 0, 1))
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1)
}
