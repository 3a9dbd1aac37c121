import type { Decision } from '../../core/aggregation/decide.ts'
import { privateClipFactor, type RandomBytes, releaseMean } from '../../core/privacy/index.ts'
import type { UpdateRow } from './update-row.ts'

/** How the mean of a round is released with central differential privacy. */
export type Release = {
  /** Updates longer than this are scaled down to it, whatever their clients did. */
  readonly clip: number
  /** Standard deviation of the noise on the sum. */
  readonly sigma: number
  /** The planned cohort, by which the sum is divided whoever answered. */
  readonly cohort: number
  readonly randomBytes: RandomBytes
}

/** (Σ clip(xᵢ))/m as a decision; the noise follows in `addNoise`. */
export function releasedMean({ clip, cohort }: Release, rows: readonly UpdateRow[], size: number): Decision {
  const factors = rows.map(({ norm }) => privateClipFactor(norm, clip))
  const coefficients = new Float64Array(size)
  for (const [i, factor] of factors.entries()) coefficients[i] = factor / cohort
  return {
    result: { kind: 'combination', coefficients },
    scales: factors,
    leftOut: [],
    renumbered: false,
    remember: [],
  }
}

/** Adds the noise to a part of the mean, in place. */
export function addNoise({ sigma, cohort, randomBytes }: Release, mean: Float64Array): void {
  for (let j = 0; j < mean.length; j++) mean[j] = (mean[j] as number) * cohort
  releaseMean(mean, { sigma, cohort }, randomBytes)
}
