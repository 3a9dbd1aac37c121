/** The tight accountant: the whole distribution of the privacy loss instead of its moments. */
import { lossRange, type SampledGaussian, sampledGaussianLoss } from './cells.ts'
import { composeLosses, windowsOf } from './compose.ts'
import { type LossPair, lossDelta, lossEpsilon } from './loss-distribution.ts'

/** `rounds` rounds of the same sampled Gaussian. */
export type GaussianRounds = SampledGaussian & { readonly rounds: number }

/** The grid interval of losses that the published reference values use. */
const INTERVAL = 1e-4

/** Narrow compositions get a finer grid, down to this: the error of the chord grows with rounds · interval². */
const FINEST_INTERVAL = 1e-5

/** A window of fewer cells than this is worth refining. */
const FEW_CELLS = 2 ** 16

/** Wider ones are made coarser, which costs a little ε and never understates it. */
const MOST_CELLS = 2 ** 20

/** Below this δ the rounding of the Fourier transform, some 1e-13 in all, could be seen in ε. */
export const LEAST_PLD_DELTA = 1e-10

/** The composed losses of sampled Gaussians, add-or-remove neighbours; at least one part. */
export function composedLoss(parts: readonly GaussianRounds[]): LossPair {
  let interval = INTERVAL
  const widest = Math.max(...parts.map(lossRange).map(({ low, high }) => high - low))
  while (widest / interval > MOST_CELLS) interval *= 2
  for (;;) {
    const repeated = parts.map((part) => ({ loss: sampledGaussianLoss(part, interval), times: part.rounds }))
    const windows = windowsOf(repeated)
    const width = Math.max(windows.remove.high - windows.remove.low, windows.add.high - windows.add.low)
    if (width / interval > MOST_CELLS) {
      interval *= 2
      continue
    }
    const finer = Math.max(FINEST_INTERVAL, width / FEW_CELLS)
    const single = parts.length === 1 && parts[0]?.rounds === 1
    if (interval === INTERVAL && !single && finer <= interval / 2 && widest / finer <= MOST_CELLS) {
      interval = finer
      continue
    }
    return composeLosses(repeated, windows, interval)
  }
}

/** ε at δ: the larger one of the two directions. */
export function pldEpsilon(loss: LossPair, delta: number): number {
  return Math.max(lossEpsilon(loss.remove, delta), lossEpsilon(loss.add, delta))
}

/** δ at ε: the larger one of the two directions. */
export function pldDelta(loss: LossPair, epsilon: number): number {
  return Math.max(lossDelta(loss.remove, epsilon), lossDelta(loss.add, epsilon))
}
