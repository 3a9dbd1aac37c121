import type { RolloutMetricName } from '../plan/rollout.ts'
import type { Counts } from './beta-binomial.ts'
import type { ConsumerTotals } from './compare.ts'
import { cappedTrials } from './influence.ts'
import { sum } from './outcomes.ts'
import type { Totals } from './totals.ts'

/** One consumer's counts of one metric; never without trials. */
export type Sample = {
  readonly consumer: string
  readonly bins: readonly number[]
  readonly bad: number
  readonly trials: number
}

/** All counts of a side together, each consumer’s scaled down to its share. */
export function pooled(samples: readonly Sample[], share: number): Counts {
  const counted = cappedTrials(
    samples.map(({ trials }) => trials),
    share,
  )
  // Bad ones never outnumber trials, whatever the rounding.
  const trials = sum(counted)
  return { trials, bad: Math.min(trials, sum(samples.map((one, i) => (one.bad * (counted[i] ?? 0)) / one.trials))) }
}

/** The same of latencies, bin by bin. */
export function pooledBins(samples: readonly Sample[], share: number): number[] {
  const factors = factorsOf(samples, share)
  const bins = new Array<number>(samples[0]?.bins.length ?? 0).fill(0)
  for (const [i, sample] of samples.entries()) {
    const factor = factors[i] ?? 0
    for (let bin = 0; bin < bins.length; bin++) bins[bin] = (bins[bin] ?? 0) + (sample.bins[bin] ?? 0) * factor
  }
  return bins
}

/** Which part of each consumer's trials counts. */
export function factorsOf(samples: readonly Sample[], share: number): number[] {
  const counted = cappedTrials(
    samples.map(({ trials }) => trials),
    share,
  )
  return samples.map(({ trials }, i) => (counted[i] ?? 0) / trials)
}

/** Consumers that counted anything of the metric, in the order of their names: so are sums, whoever reported first. */
export function samplesOf(metric: RolloutMetricName, consumers: readonly ConsumerTotals[]): Sample[] {
  return consumers
    .map(({ consumer, totals }) => ({ consumer, bins: totals.bins, ...countsOf(metric, totals) }))
    .filter(({ trials }) => trials > 0)
    .sort((a, b) => (a.consumer < b.consumer ? -1 : 1))
}

function countsOf(metric: RolloutMetricName, { requests, errors, bins, confusion, outcomes }: Totals): Counts {
  const { tp, fp, tn, fn } = confusion
  switch (metric) {
    case 'error-rate':
      return { bad: errors, trials: requests }
    case 'accuracy':
      return { bad: fp + fn, trials: tp + fp + tn + fn }
    case 'recall':
      return { bad: fn, trials: tp + fn }
    case 'good-rate':
      return { bad: outcomes.bad, trials: outcomes.good + outcomes.bad }
    case 'p95-latency':
      return { bad: 0, trials: sum(bins) }
  }
}
