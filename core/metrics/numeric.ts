/** Units of a share of a label's range in counts, and of a squared one. */
export const RANGE_UNITS = 1_000_000
export const SQUARE_UNITS = 100_000_000

/** Rows of a numeric label that one client may report: sums of squares stay whole numbers that a double holds. */
export const MOST_NUMERIC_ROWS = 90_000_000

/** The square of so many millionths, in units of 10⁻⁸, rounded; it grows with them. */
export function squareOf(micros: number): number {
  return Math.round((micros * micros) / (RANGE_UNITS ** 2 / SQUARE_UNITS))
}

/** The bin of an error of so many millionths of the range, of bins that are equal in its square root. */
export function errorBin(micros: number, bins: number): number {
  return Math.min(bins - 1, Math.floor(Math.sqrt(micros / RANGE_UNITS) * bins))
}

/** The ends of a bin as shares of the range. */
export function binEnds(bin: number, bins: number): readonly [low: number, high: number] {
  return [(bin / bins) ** 2, ((bin + 1) / bins) ** 2]
}

/** The least and the largest error of a bin, in whole millionths. */
export function binMicros(bin: number, bins: number): readonly [least: number, largest: number] {
  return [firstOf(bin, bins), bin === bins - 1 ? RANGE_UNITS : firstOf(bin + 1, bins) - 1]
}

/** Rounding may put the border of a bin on either side of where it is in exact numbers. */
function firstOf(bin: number, bins: number): number {
  let micros = Math.ceil(binEnds(bin, bins)[0] * RANGE_UNITS)
  while (micros > 0 && errorBin(micros - 1, bins) >= bin) micros--
  while (errorBin(micros, bins) < bin) micros++
  return micros
}
