import type { RolloutMetricName, RolloutPlan } from '../plan/rollout.ts'
import { largestShare } from './influence.ts'
import { latencyQuantile } from './latency-quantile.ts'
import { sum } from './outcomes.ts'
import { pooled, pooledBins, type Sample, samplesOf } from './pooled.ts'
import { differenceOfRates, logEvidenceOfDifference } from './rate-difference.ts'
import type { Totals } from './totals.ts'
import { weightiest } from './weightiest.ts'

/** One consumer's counts of the version that it got. */
export type ConsumerTotals = { readonly consumer: string; readonly totals: Totals }

export type SideFigure = {
  /** The rate itself, or milliseconds; null where nothing was counted. */
  readonly value: number | null
  /** Trials that were reported, and that count: no consumer makes up more than its share. */
  readonly reported: number
  readonly counted: number
  readonly consumers: number
}

/** `worse`: by more than the margin. `not-worse`: by less. `open`: neither is shown. `too-few`: not enough consumers to say. */
export type MetricVerdict = 'worse' | 'not-worse' | 'open' | 'too-few'

export type MetricComparison = {
  readonly metric: RolloutMetricName
  readonly margin: number
  readonly champion: SideFigure
  readonly challenger: SideFigure
  /** How much worse the challenger is, as `margin` says it: above 0 is worse, for every metric. Null where nothing was counted. */
  readonly harm: { readonly value: number; readonly low: number; readonly high: number | null } | null
  readonly verdict: MetricVerdict
  /** The consumer without whom it would not be shown, where that is all that is missing. */
  readonly dependsOn?: string
}

type Sides = { readonly champion: readonly Sample[]; readonly challenger: readonly Sample[] }

/** `alpha`: the error of this metric alone. */
export function compareMetric(
  { metric, margin }: RolloutPlan['metrics'][number],
  sides: { readonly champion: readonly ConsumerTotals[]; readonly challenger: readonly ConsumerTotals[] },
  { alpha, minConsumers }: { readonly alpha: number; readonly minConsumers: number },
): MetricComparison {
  const samples = { champion: samplesOf(metric, sides.champion), challenger: samplesOf(metric, sides.challenger) }
  const share = largestShare(minConsumers)
  const champion = figureOf(metric, samples.champion, share)
  const challenger = figureOf(metric, samples.challenger, share)
  const common = { metric, margin, champion, challenger }
  const harm = champion.counted === 0 || challenger.counted === 0 ? null : harmOf(metric, samples, share, alpha)
  if (harm === null || Math.min(champion.consumers, challenger.consumers) < minConsumers) {
    return { ...common, harm, verdict: 'too-few' }
  }
  const verdict = verdictOf(metric, samples, { share, alpha, margin })
  const dependsOn =
    verdict === 'open'
      ? undefined
      : decisive(metric, samples, share, (rest) => verdictOf(metric, rest, { share, alpha, margin }) === verdict)
  return dependsOn === undefined ? { ...common, harm, verdict } : { ...common, harm, verdict: 'open', dependsOn }
}

/** The first consumer without whom the rest does not say the same, of those whose counts weigh most. */
function decisive(
  metric: RolloutMetricName,
  { champion, challenger }: Sides,
  share: number,
  same: (rest: Sides) => boolean,
): string | undefined {
  const without = (samples: readonly Sample[], consumer: string) => samples.filter((one) => one.consumer !== consumer)
  const weighty = [champion, challenger].flatMap((samples) => weightiest(metric, samples, share))
  const consumers = [...new Set(weighty)].sort()
  return consumers.find((one) => !same({ champion: without(champion, one), challenger: without(challenger, one) }))
}

type Terms = { readonly share: number; readonly alpha: number; readonly margin: number }

function verdictOf(metric: RolloutMetricName, sides: Sides, { share, alpha, margin }: Terms): MetricVerdict {
  if (metric === 'p95-latency') {
    const { low, high } = harmOfLatency(sides, share, alpha)
    return low > margin ? 'worse' : high < margin ? 'not-worse' : 'open'
  }
  const a = pooled(sides.champion, share)
  const b = pooled(sides.challenger, share)
  if (logEvidenceOfDifference(a, b, margin) < Math.log(1 / alpha)) return 'open'
  return b.bad / b.trials - a.bad / a.trials > margin ? 'worse' : 'not-worse'
}

function harmOf(metric: RolloutMetricName, sides: Sides, share: number, alpha: number) {
  if (metric !== 'p95-latency') {
    return differenceOfRates(pooled(sides.champion, share), pooled(sides.challenger, share), alpha)
  }
  const { value, low, high } = harmOfLatency(sides, share, alpha)
  return { value, low, high: Number.isFinite(high) ? high : null }
}

/** By which share of itself p95 is longer: q₁ / q₀ − 1, with each quantile's own interval at half of the error. */
function harmOfLatency({ champion, challenger }: Sides, share: number, alpha: number) {
  const a = latencyQuantile(pooledBins(champion, share), 0.95, alpha / 2)
  const b = latencyQuantile(pooledBins(challenger, share), 0.95, alpha / 2)
  const ratio = (one: number, other: number) => (one === other ? 1 : one / other)
  return { value: ratio(b.value, a.value) - 1, low: ratio(b.low, a.high) - 1, high: ratio(b.high, a.low) - 1 }
}

function figureOf(metric: RolloutMetricName, samples: readonly Sample[], share: number): SideFigure {
  const { bad, trials } = pooled(samples, share)
  const value =
    trials === 0
      ? null
      : metric === 'p95-latency'
        ? finite(latencyQuantile(pooledBins(samples, share), 0.95, 0.05).value)
        : metric === 'error-rate'
          ? bad / trials
          : 1 - bad / trials
  return { value, reported: sum(samples.map((one) => one.trials)), counted: trials, consumers: samples.length }
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null
}
