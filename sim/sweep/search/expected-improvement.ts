import { exp } from '../../data/elementary.ts'

/**
 * How much more than `best` a normally distributed value is expected to be, counted as 0 where it is less:
 * (μ − best)·Φ(z) + σ·φ(z) with z = (μ − best)/σ.
 * Jones, Schonlau and Welch, Efficient global optimization of expensive black-box functions, J. Global Optimization 13, 1998.
 */
export function expectedImprovement(
  { mean, deviation }: { readonly mean: number; readonly deviation: number },
  best: number,
): number {
  const gain = mean - best
  if (deviation <= 0) return Math.max(0, gain)
  const z = gain / deviation
  return gain * normalCdf(z) + (deviation * exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI)
}

/** Φ(z) to 7.5e-8: Abramowitz and Stegun, Handbook of mathematical functions, 26.2.17. */
function normalCdf(z: number): number {
  if (z < 0) return 1 - normalCdf(-z)
  const t = 1 / (1 + 0.2316419 * z)
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  return 1 - (series * exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI)
}
