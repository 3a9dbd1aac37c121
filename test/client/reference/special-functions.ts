/**
 * The error function to the last places: erf(x) = 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (2n+1)!! (Abramowitz and Stegun 7.1.6), whose terms
 * have one sign.
 */
export function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x)
  let [term, sum] = [x, x]
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1)
    sum += term
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum
}

/** Φ, the distribution function of a standard normal number. */
export const normalShare = (x: number): number => (1 + erf(x / Math.SQRT2)) / 2
export const normalDensity = (x: number): number => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)
export const logistic = (x: number): number => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)))
