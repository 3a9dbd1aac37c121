import { topEigenpair } from './eigen.ts'
import { type Gram, product } from './gram.ts'

/**
 * Inner products of some points after their weighted mean was taken off: P·G·Pᵀ with P = I − 1·pᵀ. `weights` belong to
 * `points` and add up to 1. A point of weight 0 shows in its own products only: it may be huge and leaves no rounding behind
 * in those of others.
 */
export function centred(gram: Gram, points: readonly number[], weights: ArrayLike<number>): Gram {
  const size = points.length
  const values = new Float64Array(size * size)
  const toMean = new Float64Array(size)
  let mean = 0
  for (let i = 0; i < size; i++) {
    const row = (points[i] as number) * gram.size
    let sum = 0
    for (let j = 0; j < size; j++) {
      const inner = gram.values[row + (points[j] as number)] as number
      values[i * size + j] = inner
      sum += (weights[j] as number) * inner
    }
    toMean[i] = sum
    mean += (weights[i] as number) * sum
  }
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      const value = (values[i * size + j] as number) - (toMean[i] as number) - (toMean[j] as number) + mean
      values[i * size + j] = values[j * size + i] = value
    }
  }
  return { size, values }
}

/** What `centred` may show of points that are all the same: rounding, no spread. */
export function roundingOf(gram: Gram, points: readonly number[]): number {
  return points.reduce((most, point) => Math.max(most, product(gram, point, point)), 0) * 2 ** -44
}

/**
 * The direction in which the points spread most, by their weighted covariance Σ pᵢ·(xᵢ − μ)(xᵢ − μ)ᵀ: its largest eigenvalue
 * λ, and for each point the square of its projection on the direction, measured from μ. In Gram space
 * A = diag(√p)·P·G·Pᵀ·diag(√p) has the same eigenvalue, and with its vector v the projections are
 * (P·G·Pᵀ·(√p∘v))²ᵢ / λ. Both are 0 where points do not differ.
 */
export function mainDirection(
  gram: Gram,
  points: readonly number[],
  weights: ArrayLike<number>,
): { readonly spread: number; readonly projections: Float64Array } {
  const inner = centred(gram, points, weights)
  const size = points.length
  const roots = Float64Array.from(weights, Math.sqrt)
  const scaled = inner.values.map(
    (value, at) => value * (roots[Math.floor(at / size)] as number) * (roots[at % size] as number),
  )
  const { value: spread, vector } = topEigenpair({ size, values: scaled })
  if (
    spread <=
    roundingOf(
      gram,
      points.filter((_, i) => (weights[i] as number) > 0),
    )
  )
    return { spread: 0, projections: new Float64Array(size) }
  const projections = Float64Array.from({ length: size }, (_, i) => {
    let sum = 0
    for (let j = 0; j < size; j++) sum += product(inner, i, j) * (roots[j] as number) * (vector[j] as number)
    return sum ** 2 / spread
  })
  return { spread, projections }
}
