/**
 * The error function and its complement by W. J. Cody's rational approximations ("Rational Chebyshev approximations for the
 * error function", Mathematics of Computation 23, 1969; coefficients of his CALERF, 1990), to about 4e-16 relative.
 */

/** erf(x) for |x| ≤ 0.46875: x·A(x²)/B(x²). */
const nearNumerator = [
  1.8577770618460315e-1, 3.1611237438705655, 1.1386415415105016e2, 3.77485237685302e2, 3.2093775891384694e3,
]
const nearDenominator = [1, 2.3601290952344122e1, 2.4402463793444417e2, 1.2826165260773723e3, 2.844236833439171e3]

/** erfcx(x) for 0.46875 < x ≤ 4. */
const middleNumerator = [
  2.1531153547440383e-8, 5.641884969886701e-1, 8.883149794388377, 6.611919063714163e1, 2.986351381974001e2,
  8.81952221241769e2, 1.7120476126340707e3, 2.0510783778260716e3, 1.2303393547979972e3,
]
const middleDenominator = [
  1, 1.5744926110709835e1, 1.176939508913125e2, 5.371811018620099e2, 1.6213895745666903e3, 3.2907992357334597e3,
  4.362619090143247e3, 3.4393676741437216e3, 1.2303393548037495e3,
]

/** erfcx(x) for x > 4: (1/√π − x⁻²·P(x⁻²)/Q(x⁻²))/x. */
const farNumerator = [
  1.6315387137302097e-2, 3.0532663496123236e-1, 3.6034489994980445e-1, 1.2578172611122926e-1, 1.6083785148742275e-2,
  6.587491615298378e-4,
]
const farDenominator = [
  1, 2.568520192289822, 1.8729528499234673, 5.279051029514285e-1, 6.051834131244132e-2, 2.3352049762686918e-3,
]

const NEAR = 0.46875
const INVERSE_ROOT_PI = 0.5641895835477563

/** The error function 2/√π·∫₀ˣ e^{−t²} dt. */
export function erf(x: number): number {
  if (Math.abs(x) <= NEAR) return erfNear(x)
  return x > 0 ? 1 - erfc(x) : erfc(-x) - 1
}

/** 1 − erf(x), with full relative precision in the upper tail; 0 from about 26.6 on, where it is below the smallest double. */
export function erfc(x: number): number {
  if (x < -NEAR) return 2 - erfc(-x)
  if (x > 27) return 0
  return x <= NEAR ? 1 - erfNear(x) : expOfMinusSquare(x) * erfcx(x)
}

/** e^{x²}·erfc(x): what is left of erfc without its steep part. Infinite below about −26.6. */
export function erfcx(x: number): number {
  if (x < -NEAR) return 2 / expOfMinusSquare(x) - erfcx(-x)
  if (x <= NEAR) return Math.exp(x * x) * (1 - erfNear(x))
  if (x <= 4) return polynomial(middleNumerator, x) / polynomial(middleDenominator, x)
  const inverse = 1 / (x * x)
  return (INVERSE_ROOT_PI - (inverse * polynomial(farNumerator, inverse)) / polynomial(farDenominator, inverse)) / x
}

/** ln erfc(x), finite for every finite x. */
export function logErfc(x: number): number {
  return x <= 1 ? Math.log1p(-erf(x)) : Math.log(erfcx(x)) - x * x
}

function erfNear(x: number): number {
  const square = x * x
  return (x * polynomial(nearNumerator, square)) / polynomial(nearDenominator, square)
}

/** e^{−x²}. The square is split, so that its rounding does not grow with x. */
function expOfMinusSquare(x: number): number {
  const coarse = Math.trunc(x * 16) / 16
  return Math.exp(-coarse * coarse) * Math.exp(-(x - coarse) * (x + coarse))
}

/** Horner's scheme; the highest power comes first. */
function polynomial(coefficients: readonly number[], x: number): number {
  let value = 0
  for (const coefficient of coefficients) value = value * x + coefficient
  return value
}
