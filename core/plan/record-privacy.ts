import { type GaussianSpend, multiplierOf } from '../privacy/index.ts'
import type { Plan } from './plan.ts'
import { stepsOf } from './training.ts'

/**
 * How a client trains in one round so that every training row is hidden: DP-SGD (Abadi et al., CCS 2016, algorithm 1). In each step
 * every row is drawn by a coin of its own, the gradient of each drawn row is clipped, and noise is added to their sum.
 */
export type RecordPrivacy = {
  /** Largest Euclidean norm of the gradient of one row. */
  readonly clip: number
  /** Chance of each row to be in a batch, above 0 and at most 1. */
  readonly rate: number
  /** Rows of a batch on average: the sum is divided by it, whatever number was drawn. */
  readonly batch: number
  /** Standard deviation of the noise on each coordinate of the divided sum. */
  readonly deviation: number
  readonly steps: number
  /** What the round costs each row. */
  readonly spend: GaussianSpend
}

/**
 * What the plan's record-level privacy is in a round of a client with so many training rows, at least 1, and a model of `parameters`
 * coordinates; undefined where the plan has none. The number of rows counts as known to everybody, as it is the update's weight.
 */
export function recordPrivacyOf(
  { privacy: { records }, training }: Pick<Plan, 'privacy' | 'training'>,
  parameters: number,
  rows: number,
): RecordPrivacy | undefined {
  if (records === undefined) return undefined
  const { clip, multiplier } = records
  const batch = Math.min(training.batch, rows)
  const rate = batch / rows
  const { steps } = stepsOf(training, rows)
  const sigma = multiplier * clip
  // The grid of the noise has at least 2³² steps to a deviation.
  const rounding = (sigma * Math.sqrt(parameters)) / 2 ** 32
  const neighbours = 'add-or-remove'
  const spend: GaussianSpend = {
    mechanism: 'gaussian',
    multiplier: multiplierOf({ sigma, clip, neighbours, rounding }),
    sampling: { kind: 'poisson', rate },
    neighbours,
    rounds: steps,
  }
  return { clip, rate, batch, deviation: sigma / batch, steps, spend }
}
