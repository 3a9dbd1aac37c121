import { distance, logMixtureOverBest } from './beta-binomial.ts'
import { binStart } from './latency-grid.ts'
import { sum } from './outcomes.ts'

/** In milliseconds. `high` may be `Infinity`, and `low` 0. */
export type LatencyInterval = { readonly value: number; readonly low: number; readonly high: number }

/**
 * The q-quantile of latencies that were counted on the grid, with bounds that hold at all times at once but for a share α. That
 * a latency lies below the true quantile is a trial with the known rate q; so a value of which `logEvidence` says that too many
 * or too few lie below it is none (Howard and Ramdas, Bernoulli 28(3), 2022). A bin of which either end could be the quantile
 * counts as a whole: binning makes the interval wider, never wrong. `value` is the upper edge of the bin that holds it.
 */
export function latencyQuantile(bins: readonly number[], q: number, alpha: number): LatencyInterval {
  const trials = sum(bins)
  const enough = Math.log(1 / alpha)
  let below = 0
  let value: number | undefined
  let low: number | undefined
  let high = Number.POSITIVE_INFINITY
  for (let bin = 0; bin < bins.length; bin++) {
    const past = below + (bins[bin] ?? 0)
    if (value === undefined && past >= q * trials) value = binStart(bin + 1)
    // Even at the end of the bin too few lie below: the quantile is further on.
    if (low === undefined && !(past < q * trials && isOut(past))) low = binStart(bin)
    // At its beginning already too many do: it ended before.
    if (below > q * trials && isOut(below)) {
      high = binStart(bin)
      break
    }
    below = past
  }
  return { value: value ?? 0, low: low ?? 0, high }

  function isOut(count: number): boolean {
    const counts = { bad: Math.min(count, trials), trials }
    return logMixtureOverBest(counts) + distance(counts, q) >= enough
  }
}
