import { exp, log, ORDER } from './field.ts'

/**
 * Shamir's secret sharing (A. Shamir, "How to share a secret", CACM 22, 1979) of 16-byte secrets over GF(2¹⁶): eight
 * chunks of two bytes (big-endian), one polynomial each, all evaluated at the same point. A share has 16 bytes too.
 *
 * Points are 1 … 65535 and belong to holders; 0, where the secret lies, is refused, and so are repeated points.
 */
export const SECRET_BYTES = 16
export const CHUNKS = SECRET_BYTES / 2
export const MAX_POINT = ORDER

/** Bytes of randomness that `splitSecret` needs. */
export function sharingBytes(threshold: number): number {
  return (threshold - 1) * SECRET_BYTES
}

/**
 * One share for each point, any `threshold` of which give the secret back, and fewer nothing. `randomness` holds the
 * polynomials' other coefficients: `sharingBytes(threshold)` uniform bytes, for this secret only. RangeError on wrong
 * lengths and on points that `checkPoints` refuses.
 */
export function splitSecret(
  secret: Uint8Array,
  threshold: number,
  points: readonly number[],
  randomness: Uint8Array,
): Uint8Array[] {
  checkPoints(points)
  if (!Number.isInteger(threshold) || threshold < 1 || threshold > points.length) {
    throw new RangeError(`a threshold of ${threshold} does not fit ${points.length} shares`)
  }
  if (secret.length !== SECRET_BYTES || randomness.length !== sharingBytes(threshold)) {
    throw new RangeError('a secret or its randomness has the wrong length')
  }
  const coefficients = new Uint16Array(threshold * CHUNKS)
  coefficients.set(chunksOf(secret))
  coefficients.set(chunksOf(randomness), CHUNKS)
  return points.map((point) => evaluate(coefficients, threshold, point))
}

/** Lagrange's coefficients of a set of points: one computation serves all chunks of all secrets that these holders share. */
export type Interpolation = { readonly points: readonly number[]; readonly logs: Uint16Array }

/** For the value at `at`, which is none of the points; by default at 0, the secret. */
export function interpolationOf(points: readonly number[], at = 0): Interpolation {
  checkPoints(points)
  const logs = new Uint16Array(points.length)
  for (const [i, own] of points.entries()) {
    // ∏ (at − x_j)/(x_i − x_j) over the others, in logarithms; subtraction is XOR.
    let sum = 0
    for (let j = 0; j < points.length; j++) {
      if (j === i) continue
      const other = points[j] as number
      sum += (log[at ^ other] as number) - (log[own ^ other] as number)
    }
    logs[i] = ((sum % ORDER) + ORDER) % ORDER
  }
  return { points, logs }
}

/** The secret (or the value at the interpolation's `at`) of shares in the order of its points. RangeError on wrong lengths. */
export function combineShares({ points, logs }: Interpolation, shares: readonly Uint8Array[]): Uint8Array {
  if (shares.length !== points.length) throw new RangeError('as many shares are needed as there are points')
  const out = new Uint8Array(SECRET_BYTES)
  for (const [i, share] of shares.entries()) {
    if (share.length !== SECRET_BYTES) throw new RangeError(`a share has ${share.length} bytes`)
    const factor = logs[i] as number
    for (let at = 0; at < SECRET_BYTES; at += 2) {
      const value = ((share[at] as number) << 8) | (share[at + 1] as number)
      if (value === 0) continue
      const product = exp[(log[value] as number) + factor] as number
      out[at] = (out[at] as number) ^ (product >>> 8)
      out[at + 1] = (out[at + 1] as number) ^ (product & 0xff)
    }
  }
  return out
}

/** RangeError for no points, for 0, for anything that is no 16-bit integer and for a point that occurs twice. */
export function checkPoints(points: readonly number[]): void {
  const valid = points.every((point) => Number.isInteger(point) && point >= 1 && point <= MAX_POINT)
  if (!valid || points.length === 0) throw new RangeError('the points of shares are integers from 1 to 65535')
  if (new Set(points).size !== points.length) throw new RangeError('two shares have the same point')
}

/** Big-endian 16-bit integers. */
export function chunksOf(bytes: Uint8Array): Uint16Array {
  const out = new Uint16Array(bytes.length / 2)
  for (let i = 0; i < out.length; i++) out[i] = ((bytes[2 * i] as number) << 8) | (bytes[2 * i + 1] as number)
  return out
}

/** Horner's scheme for all polynomials at once; row k of `coefficients` belongs to the k-th power. */
function evaluate(coefficients: Uint16Array, threshold: number, point: number): Uint8Array {
  const values = new Uint16Array(CHUNKS)
  const logPoint = log[point] as number
  for (let at = (threshold - 1) * CHUNKS; at >= 0; at -= CHUNKS) {
    for (let chunk = 0; chunk < CHUNKS; chunk++) {
      const value = values[chunk] as number
      const raised = value === 0 ? 0 : (exp[(log[value] as number) + logPoint] as number)
      values[chunk] = raised ^ (coefficients[at + chunk] as number)
    }
  }
  const out = new Uint8Array(SECRET_BYTES)
  for (let chunk = 0; chunk < CHUNKS; chunk++) {
    out[2 * chunk] = (values[chunk] as number) >>> 8
    out[2 * chunk + 1] = (values[chunk] as number) & 0xff
  }
  return out
}
