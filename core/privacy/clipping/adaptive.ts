/**
 * Adaptive clipping (Andrew, Thakkar, McMahan and Ramaswamy, "Differentially Private Learning with Adaptive Clipping",
 * 2021): the clip norm C follows a quantile of the norms, C ← C·exp(−η(b̃ − γ)), where b̃ is the noisy fraction of updates
 * that were **not** clipped.
 */
import { ParleyError } from '../../errors/index.ts'

export type AdaptiveClipping = {
  /** γ in [0, 1]: the fraction of updates that is to stay unclipped. */
  readonly quantile: number
  /** η > 0. */
  readonly learningRate: number
  /** C before the first round. */
  readonly initial: number
  /** m: planned clients of a round, a public constant. */
  readonly cohort: number
  /** σ_b: standard deviation of the noise on the sum of indicators. */
  readonly countSigma: number
}

/** Plain data, to be kept with the model; what the next round clips to. */
export type AdaptiveClip = { readonly clip: number; readonly rounds: number }

/** Bounds that no sensible norm reaches, so that C stays a positive number. */
const LEAST_CLIP = 1e-12
const GREATEST_CLIP = 1e12

/** The paper's settings for a cohort: the median, η = 0.2, C₀ = 0.1, σ_b = m/20. */
export function defaultAdaptiveClipping(cohort: number): AdaptiveClipping {
  return { quantile: 0.5, learningRate: 0.2, initial: 0.1, cohort, countSigma: cohort / 20 }
}

export function startAdaptiveClip({ initial }: AdaptiveClipping): AdaptiveClip {
  return { clip: initial, rounds: 0 }
}

/**
 * The fraction b̃ from the noisy sum of indicators (+½ or −½ each). The planned cohort divides it, not the number that
 * answered; who is missing counts as one half.
 */
export function unclippedFraction(noisySum: number, cohort: number): number {
  return noisySum / cohort + 0.5
}

/**
 * The state after a round. `noisySum` is the sum of unclipped indicators with its noise: it has been paid for, and so C may
 * be published. A fraction below 0 or above 1 is the noise's and counts as 0 or 1.
 */
export function nextAdaptiveClip(state: AdaptiveClip, settings: AdaptiveClipping, noisySum: number): AdaptiveClip {
  if (!Number.isFinite(noisySum)) throw new RangeError(`a sum of indicators is a number, not ${noisySum}`)
  const unclipped = Math.min(1, Math.max(0, unclippedFraction(noisySum, settings.cohort)))
  const clip = state.clip * Math.exp(-settings.learningRate * (unclipped - settings.quantile))
  return { clip: Math.min(GREATEST_CLIP, Math.max(LEAST_CLIP, clip)), rounds: state.rounds + 1 }
}

/**
 * The multiplier z_Δ of the sum of updates which, together with the count at σ_b, costs exactly what z costs (theorem 1 of
 * the paper): z_Δ = (z⁻² − (2σ_b)⁻²)^−½.
 *
 * @throws ParleyError `plan.infeasible` if the count alone would cost all of it or more: z ≥ 2σ_b.
 */
export function sumMultiplier(multiplier: number, countSigma: number): number {
  if (!(multiplier > 0 && countSigma > 0)) throw new RangeError('a noise multiplier and a deviation are positive')
  if (multiplier >= 2 * countSigma) {
    throw new ParleyError(
      'plan.infeasible',
      `adaptive clipping with noise ${countSigma} on its count spends more than a multiplier of ${multiplier} allows: raise it above ${multiplier / 2}`,
    )
  }
  return 1 / Math.sqrt(multiplier ** -2 - (2 * countSigma) ** -2)
}
