import { squaredDistancesTo } from './gram.ts'
import type { RuleInput } from './rule.ts'

/** RFA ends when the objective Σ aᵢ·‖xᵢ − w‖ changes by less than this share of itself. */
const SETTLED = 1e-6

/**
 * Weiszfeld's iteration to the geometric median, smoothed: w ← Σ βᵢ·xᵢ / Σ βᵢ with βᵢ = aᵢ / max(ν, ‖xᵢ − w‖). Gives the
 * coefficients of w over the gram's rows.
 */
export function weiszfeld(
  { gram, n }: Pick<RuleInput, 'gram' | 'n'>,
  given: {
    /** aᵢ, at least one above 0. */
    readonly weights: readonly number[]
    /** Coefficients of the first w. */
    readonly start: Float64Array
    readonly smoothing: number
    readonly iterations: number
    readonly untilSettled: boolean
  },
): Float64Array {
  let current = given.start
  let last = Number.POSITIVE_INFINITY
  for (let iteration = 0; iteration < given.iterations; iteration++) {
    const distances = squaredDistancesTo(gram, current).map(Math.sqrt)
    const objective = given.weights.reduce((sum, weight, i) => sum + weight * (distances[i] as number), 0)
    if (given.untilSettled && Math.abs(last - objective) < SETTLED * objective) break
    last = objective
    const pulls = given.weights.map((weight, i) => weight / Math.max(given.smoothing, distances[i] as number))
    current = weightedMean(gram.size, n, pulls)
  }
  return current
}

/** Coefficients of Σ aᵢ·xᵢ / Σ aᵢ over the first n of `size` rows. */
export function weightedMean(size: number, n: number, weights: readonly number[]): Float64Array {
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const coefficients = new Float64Array(size)
  for (let i = 0; i < n; i++) coefficients[i] = (weights[i] as number) / total
  return coefficients
}
