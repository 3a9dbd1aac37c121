/**
 * Elementary functions from additions, multiplications, divisions and square roots only, which IEEE 754 rounds in one way.
 * `Math.log`, `Math.exp` and `Math.pow` may differ by a unit in the last place between engines and versions, and a simulation
 * has to give the same bytes everywhere.
 */

/** ln 2 in two parts: the first has zeros enough at its end that its product with an exponent is exact. */
const LN2_HIGH = 0.6931471803691238
const LN2_LOW = 1.9082149292705877e-10

/** The natural logarithm, to about 1e-16 relative; −∞ of 0, NaN of a negative number. */
export function ln(x: number): number {
  if (!(x > 0)) return x === 0 ? Number.NEGATIVE_INFINITY : Number.NaN
  if (x === Number.POSITIVE_INFINITY) return x
  let [fraction, exponent] = parted(x)
  if (fraction < Math.SQRT1_2) {
    fraction *= 2
    exponent--
  }
  // ln m = 2·artanh((m − 1)/(m + 1)), whose argument is at most 0.172: eleven terms are enough.
  const s = (fraction - 1) / (fraction + 1)
  const square = s * s
  let sum = 0
  for (let k = 23; k >= 3; k -= 2) sum = square * (sum + 1 / k)
  return exponent * LN2_HIGH + (exponent * LN2_LOW + (2 * s * sum + 2 * s))
}

/** The exponential function, to about 2e-16 relative; 0 below −745.2, ∞ above 709.8. */
export function exp(x: number): number {
  if (Number.isNaN(x)) return x
  if (x > 710) return Number.POSITIVE_INFINITY
  if (x < -746) return 0
  const k = Math.round(x / LN2_HIGH)
  const rest = x - k * LN2_HIGH - k * LN2_LOW
  // Taylor's series by Horner's scheme: at most 0.35^16/16! is left out.
  let sum = 1
  for (let i = 15; i >= 1; i--) sum = 1 + (rest * sum) / i
  return scaled(sum, k)
}

/** 1/(1 + e^−x). */
export function sigmoid(x: number): number {
  return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x))
}

const view = new DataView(new ArrayBuffer(8))

/** x = fraction · 2^exponent with fraction in [0.5, 1); x > 0 and finite. */
function parted(x: number): [fraction: number, exponent: number] {
  const subnormal = x < 2.2250738585072014e-308
  view.setFloat64(0, subnormal ? x * 2 ** 54 : x)
  const high = view.getUint32(0)
  view.setUint32(0, (high & 0x800fffff) | 0x3fe00000)
  return [view.getFloat64(0), (high >>> 20) - 1022 - (subnormal ? 54 : 0)]
}

/** x · 2^k in at most two steps, each of a power of two that is a normal number. */
function scaled(x: number, k: number): number {
  if (k > 1023) return x * powerOfTwo(1023) * powerOfTwo(k - 1023)
  if (k < -1022) return x * powerOfTwo(k + 60) * powerOfTwo(-60)
  return x * powerOfTwo(k)
}

/** For k from −1022 to 1023. */
function powerOfTwo(k: number): number {
  view.setUint32(0, (k + 1023) << 20)
  view.setUint32(4, 0)
  return view.getFloat64(0)
}
