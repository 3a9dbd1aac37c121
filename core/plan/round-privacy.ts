import {
  type AdaptiveClipping,
  distributedNoise,
  type GaussianSpend,
  multiplierOf,
  type Neighbours,
  type Spend,
  sumMultiplier,
} from '../privacy/index.ts'
import { thresholdOf } from './check-privacy.ts'
import { maskedEncodingOf } from './encoding.ts'
import { cohortSize, type Plan } from './plan.ts'
import { bucketSurvivors } from './privacy.ts'

/** Noise of a round; all deviations belong to the clipping norm of that round. */
export type RoundNoise =
  /** The coordinator's, on the sum, which is then divided by `cohort`, whoever answered. */
  | { readonly kind: 'central'; readonly sigma: number; readonly cohort: number }
  /** Each client's own, on its update. */
  | { readonly kind: 'local'; readonly sigma: number }
  /** Each client's part, in steps of the grid on which updates are rounded to at most `roundedNorm`, at most ± `bound`. */
  | {
      readonly kind: 'distributed'
      readonly sigma: number
      readonly roundedNorm: number
      readonly scale: number
      readonly bound: number
    }

/** What the privacy of a plan means in one round. */
export type RoundPrivacy = {
  /** Largest Euclidean norm of an update. */
  readonly clip: number
  /** How the norm of the next round follows from this one. */
  readonly adaptive?: AdaptiveClipping
  /** Mode masked with an adaptive norm: the last coordinate is + this for an update within the norm, else −. */
  readonly indicator?: number
  readonly noise?: RoundNoise
  /** What a round costs each client of the federation, whether it takes part or not; absent where nothing is added. */
  readonly spend?: Spend
  /**
   * What it costs a client that takes part, in the eyes of everybody who knows that it does: its own ledger counts so. The same,
   * unless cohorts are drawn from a known population.
   */
  readonly charge?: Spend
}

/** Draws beyond so many deviations have a probability below 10⁻³². */
const WIDEST = 12

/**
 * What a round with the clipping norm `clip` does with updates of `parameters` coordinates; undefined where the plan does not
 * clip. Without `cohort.population` no round counts for less than a round with everybody: cohorts are drawn from whoever is
 * connected. Throws
 * `plan.infeasible` where the noise does not fit into the sums or the count of the adaptive norm would cost more than all.
 */
export function roundPrivacyOf(plan: Plan, parameters: number, clip: number): RoundPrivacy | undefined {
  const { clip: clipping, noise, mode } = plan.privacy
  if (clipping === undefined) return undefined
  const multiplier = multiplierIn(noise)
  const adaptive = 'adaptive' in clipping ? adaptiveOf(plan, clipping.adaptive, multiplier) : undefined
  // The count of clipped updates takes its part of the budget, so that the sum's noise is more.
  const z =
    multiplier === undefined || adaptive === undefined ? multiplier : sumMultiplier(multiplier, adaptive.countSigma)
  const indicator = mode === 'masked' && adaptive !== undefined ? indicatorOf(clip, adaptive, z) : undefined
  const common = {
    clip,
    ...(adaptive === undefined ? {} : { adaptive }),
    ...(indicator === undefined ? {} : { indicator }),
  }
  if (noise === undefined || multiplier === undefined || z === undefined) return common
  if ('distributed' in noise) return { ...common, ...distributed(plan, parameters, clip, multiplier, indicator) }
  const sigma = z * clip
  // The grid has at least 2³² steps to a deviation, whatever the norm is: what rounding adds does not depend on it.
  const rounding = (sigma * Math.sqrt(parameters)) / 2 ** 32
  const spendOf = (neighbours: Neighbours): GaussianSpend => {
    const effective = multiplierOf({ sigma, clip, neighbours, rounding })
    const multiplier = adaptive === undefined ? effective : both(effective, adaptive.countSigma, neighbours)
    return { mechanism: 'gaussian', multiplier, sampling: { kind: 'all' }, neighbours, rounds: 1 }
  }
  const { population } = plan.cohort
  if ('central' in noise) {
    const central = { kind: 'central', sigma, cohort: plan.window.count.max } as const
    const charge = spendOf(population === undefined ? 'add-or-remove' : 'replace')
    if (population === undefined) return { ...common, noise: central, spend: charge, charge }
    // The coordinator draws in secret, and who gets the model does not learn of whom. Never more than the plan asks are drawn,
    // and never from fewer than the population.
    const sampling = { kind: 'fixed', cohort: cohortSize(plan), population } as const
    return { ...common, noise: central, spend: { ...charge, sampling }, charge }
  }
  const spend = spendOf('add-or-remove')
  return { ...common, noise: { kind: 'local', sigma }, spend, charge: spend }
}

/** The clipping norm of the first round; undefined where the plan does not clip. */
export function firstClip({ privacy: { clip } }: Plan): number | undefined {
  if (clip === undefined) return undefined
  return 'flat' in clip ? clip.flat.norm : clip.adaptive.initial
}

/** Coordinates of an update in a masked round. */
export function maskedCoordinates(plan: Plan, parameters: number): number {
  const { clip } = plan.privacy
  return clip !== undefined && 'adaptive' in clip ? parameters + 1 : parameters
}

/** Largest absolute noise of one client in a lane; 0 where clients add none. */
export function noiseBoundOf(plan: Plan, parameters: number): number {
  const clip = firstClip(plan)
  const noise = clip === undefined ? undefined : roundPrivacyOf(plan, parameters, clip)?.noise
  return noise?.kind === 'distributed' ? noise.bound : 0
}

function multiplierIn(noise: Plan['privacy']['noise']): number | undefined {
  if (noise === undefined) return undefined
  if ('central' in noise) return noise.central.multiplier
  return 'local' in noise ? noise.local.multiplier : noise.distributed.multiplier
}

function adaptiveOf(
  plan: Plan,
  { quantile, rate, initial }: { readonly quantile: number; readonly rate: number; readonly initial: number },
  multiplier: number | undefined,
): AdaptiveClipping {
  const cohort = plan.window.count.max
  const counted = plan.privacy.buckets?.size ?? cohort
  // m/20 as the paper has it; a count over few clients must not cost more than the sum.
  const countSigma = Math.max(counted / 20, multiplier ?? 0)
  return { quantile, learningRate: rate, initial, cohort, countSigma }
}

/**
 * The size of the coordinate in which updates within the norm are counted: with it the noise of the other coordinates is
 * noise of σ_b on the count of ±½, which costs what it would cost by itself.
 */
function indicatorOf(clip: number, { countSigma }: AdaptiveClipping, z: number | undefined): number {
  return z === undefined ? clip / 2 : (clip * z) / (2 * countSigma)
}

function distributed(
  plan: Plan,
  parameters: number,
  clip: number,
  multiplier: number,
  indicator: number | undefined,
): Pick<RoundPrivacy, 'noise' | 'spend' | 'charge'> {
  const { range = clip, bits } = maskedEncodingOf(plan, cohortSize(plan))
  const scale = (2 ** bits - 1) / (2 * range)
  const { buckets } = plan.privacy
  const { sigma, roundedNorm, rho } = distributedNoise({
    multiplier,
    clip: Math.hypot(clip, indicator ?? 0),
    greatestCoordinate: Math.max(range, indicator ?? 0),
    dimension: maskedCoordinates(plan, parameters),
    scale,
    neighbours: 'add-or-remove',
    clients: cohortSize(plan),
    minimumSurvivors: buckets === undefined ? plan.window.count.min : bucketSurvivors(buckets),
    corrupted: thresholdOf(plan).corrupt,
  })
  const spend: Spend = { mechanism: 'distributed-discrete-gaussian', rho, neighbours: 'add-or-remove', rounds: 1 }
  const bound = Math.ceil(WIDEST * sigma)
  return { noise: { kind: 'distributed', sigma, roundedNorm, scale, bound }, spend, charge: spend }
}

/** Two Gaussians, one of this multiplier and one of deviation σ_b on a count of ±½, are one of the multiplier that comes out. */
function both(multiplier: number, countSigma: number, neighbours: Neighbours): number {
  const sensitivity = neighbours === 'replace' ? 1 : 0.5
  return 1 / Math.sqrt(multiplier ** -2 + (countSigma / sensitivity) ** -2)
}
