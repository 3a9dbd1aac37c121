/**
 * The exact privacy of Gaussians without sampling (Balle and Wang, "Improving the Gaussian Mechanism for Differential
 * Privacy: Analytical Calibration and Optimal Denoising", 2018, theorem 8). Multipliers z are noise over sensitivity. The
 * textbook's √(2·ln(1.25/δ))/ε is not used anywhere: it holds for ε < 1 only.
 */
import { logNormalCdf } from '../numeric/normal.ts'
import { fallingRoot } from '../numeric/root.ts'

/** δ(ε) = Φ(1/(2z) − εz) − e^ε·Φ(−1/(2z) − εz), for ε ≥ 0. */
export function gaussianDelta(multiplier: number, epsilon: number): number {
  return Math.exp(logGaussianDelta(multiplier, epsilon))
}

/** The ε ≥ 0 at which one Gaussian of multiplier z has this δ, rounded up by less than 1e-11 of itself. */
export function gaussianEpsilon(multiplier: number, delta: number): number {
  const target = Math.log(delta)
  const excess = (epsilon: number) => logGaussianDelta(multiplier, epsilon) - target
  if (excess(0) <= 0) return 0
  let high = 1
  while (excess(high) > 0) high *= 2
  return bisected(excess, high)
}

/** The least z at which one Gaussian is (ε, δ)-private, rounded up by less than 1e-11 of itself; ε > 0. */
export function analyticMultiplier(epsilon: number, delta: number): number {
  const target = Math.log(delta)
  const excess = (multiplier: number) => logGaussianDelta(multiplier, epsilon) - target
  let high = 1
  while (excess(high) > 0) high *= 2
  return bisected(excess, high)
}

/** One Gaussian as private as all of these together, exactly: 1/z² adds up over rounds. */
export function combinedMultiplier(parts: readonly { readonly multiplier: number; readonly rounds: number }[]): number {
  return 1 / Math.sqrt(parts.reduce((sum, { multiplier, rounds }) => sum + rounds / multiplier ** 2, 0))
}

function bisected(excess: (x: number) => number, high: number): number {
  let low = high / 2
  while (excess(low) <= 0) {
    high = low
    low /= 2
  }
  return fallingRoot(excess, { low, high }, high * 1e-12)
}

function logGaussianDelta(multiplier: number, epsilon: number): number {
  const first = logNormalCdf(1 / (2 * multiplier) - epsilon * multiplier)
  const second = epsilon + logNormalCdf(-1 / (2 * multiplier) - epsilon * multiplier)
  // Rounding may turn a vanishing difference around.
  return second >= first ? Number.NEGATIVE_INFINITY : first + Math.log(-Math.expm1(second - first))
}
