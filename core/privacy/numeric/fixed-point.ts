/** Numbers as integers of `bits` binary places after the point: x is about ⌊x·2^bits⌋. */

/** A non-negative double as the exact fraction numerator/2^shift. */
export function exactFraction(x: number): { readonly numerator: bigint; readonly shift: number } {
  let shift = 0
  while (!Number.isInteger(x)) {
    x *= 2
    shift++
  }
  return { numerator: BigInt(x), shift }
}

/**
 * e^{numerator/denominator}·2^bits, for an exponent of either sign, with an error below 2 units of the last place times
 * max(1, the value).
 */
export function fixedExp(numerator: bigint, denominator: bigint, bits: number): bigint {
  const magnitude = numerator < 0n ? -numerator : numerator
  // Halved until it is below 2⁻⁸, squared as often afterwards; every squaring costs one bit of the guard.
  const size = Number(magnitude / denominator).toString(2).length
  const halvings = size + 16
  const guard = bits + 2 * halvings + 32 + 2 * Number(magnitude / denominator)
  const one = 1n << BigInt(guard)
  const x = (magnitude << BigInt(guard)) / (denominator << BigInt(halvings))
  let term = one
  let sum = one
  for (let k = 1n; term > 0n; k++) {
    term = ((term * x) >> BigInt(guard)) / k
    sum += term
  }
  for (let i = 0; i < halvings; i++) sum = (sum * sum) >> BigInt(guard)
  if (numerator < 0n) sum = (one * one) / sum
  return sum >> BigInt(guard - bits)
}

/** ln(x/2^bits) for x > 0, to double precision. */
export function logOfFixed(x: bigint, bits: number): number {
  const excess = Math.max(0, x.toString(2).length - 60)
  return Math.log(Number(x >> BigInt(excess))) + (excess - bits) * Math.LN2
}
