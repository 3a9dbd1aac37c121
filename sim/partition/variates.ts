import type { Random } from '../../core/random/random.ts'
import { exp, ln } from '../data/elementary.ts'

/**
 * The logarithm of a gamma variate of this shape (above 0) and scale 1: the variate itself is too small for a double when the
 * shape is.
 * Marsaglia and Tsang, A simple method for generating gamma variables, ACM TOMS 26(3), 2000, on normal and uniform numbers and
 * logarithms that are the same on every machine; for shapes below 1 from Γ(a) = Γ(a + 1)·U^(1/a).
 */
export function logGamma(shape: number, random: Random): number {
  if (shape < 1) return logGamma(shape + 1, random) + ln(positive(random)) / shape
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = random.normal()
    const root = 1 + c * x
    if (root <= 0) continue
    const v = root * root * root
    const u = positive(random)
    const square = x * x
    if (u < 1 - 0.0331 * square * square) return ln(d) + ln(v)
    if (ln(u) < 0.5 * square + d * (1 - v + ln(v))) return ln(d) + ln(v)
  }
}

/** A Dirichlet variate: shares from 0 to 1 that add up to 1. `concentrations`: each above 0, at least one. */
export function dirichletVariate(concentrations: readonly number[], random: Random): number[] {
  const logs = concentrations.map((concentration) => logGamma(concentration, random))
  const most = Math.max(...logs)
  const weights = logs.map((log) => exp(log - most))
  const sum = weights.reduce((a, b) => a + b, 0)
  return weights.map((weight) => weight / sum)
}

/** Uniform in (0, 1]: it has a logarithm. */
function positive(random: Random): number {
  return 1 - random.uniform()
}
