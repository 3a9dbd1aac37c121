import { type Gram, norm } from './gram.ts'
import { type Combination, meanOf, type RuleInput } from './rule.ts'

/** By how much a vector of this length shrinks so that it is no longer than `radius`; 1 for the zero vector. */
export function clipFactor(length: number, radius: number): number {
  return length <= radius ? 1 : radius / length
}

/** The norms of the first n rows. */
export function norms(gram: Gram, n: number): Float64Array {
  return Float64Array.from({ length: n }, (_, i) => norm(gram, i))
}

/** The mean of some points, each shortened to `radius`; every other point is left out because of `why`. */
export function clippedMeanOf(
  input: Pick<RuleInput, 'gram' | 'n'>,
  points: readonly number[],
  radius: number,
  why: (point: number) => string,
): Combination {
  const mean = meanOf(input, points, why)
  for (const point of points) {
    mean.coefficients[point] = (mean.coefficients[point] as number) * clipFactor(norm(input.gram, point), radius)
  }
  return mean
}
