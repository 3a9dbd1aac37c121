/**
 * The smallest x, up to `tolerance`, at which a falling function is at most 0, by the Illinois variant of false position
 * (Dowell and Jarratt, BIT 11, 1971) with steps of half the interval where that is slow.
 *
 * `low` and `high` bracket it: f(low) > 0 ≥ f(high). What comes back has f ≤ 0 itself: it is on the safe side.
 * @throws RangeError if they do not.
 */
export function fallingRoot(
  f: (x: number) => number,
  bracket: { readonly low: number; readonly high: number },
  tolerance: number,
): number {
  let { low, high } = bracket
  let atLow = f(low)
  let atHigh = f(high)
  if (!(atLow > 0 && atHigh <= 0)) throw new RangeError(`there is no root between ${low} and ${high}`)
  let lastMoved: 'low' | 'high' | undefined
  for (let step = 0; high - low > tolerance && step < 200; step++) {
    const width = high - low
    // A guess within the tolerance of an end is moved inwards by it, so that both ends close in.
    const inwards = Math.min(tolerance / 2, width / 4)
    const secant = (low * atHigh - high * atLow) / (atHigh - atLow)
    const guess = step % 4 === 3 || !Number.isFinite(secant) ? low + width / 2 : secant
    const x = Math.min(high - inwards, Math.max(low + inwards, guess))
    if (x <= low || x >= high) break
    const value = f(x)
    const moved = value > 0 ? 'low' : 'high'
    if (moved === 'low') {
      low = x
      atLow = value
      if (lastMoved === moved) atHigh /= 2
    } else {
      high = x
      atHigh = value
      if (lastMoved === moved) atLow /= 2
    }
    lastMoved = moved
  }
  return high
}
