/** Non-negative fractions of integers, in lowest terms. */
export type Rational = { readonly numerator: bigint; readonly denominator: bigint }

/** @throws RangeError unless numerator ≥ 0 and denominator > 0. */
export function rational(numerator: bigint, denominator: bigint): Rational {
  if (numerator < 0n || denominator <= 0n) throw new RangeError('a fraction here is not negative')
  let [a, b] = [numerator, denominator]
  while (b > 0n) [a, b] = [b, a % b]
  return { numerator: numerator / a, denominator: denominator / a }
}
