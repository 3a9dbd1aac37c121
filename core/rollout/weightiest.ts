import type { RolloutMetricName } from '../plan/rollout.ts'
import { factorsOf, pooled, pooledBins, type Sample } from './pooled.ts'

/** So many by each measure; of up to twice as many consumers on a side all are tried. */
const TRIED = 20

/**
 * The consumers of a side on whom a result may hang: those with most trials that count, and those whose bad ones differ most from
 * what their trials have on average. Who is among neither moves the sums less than each of these does. Leaving out thousands,
 * one after the other, would cost the square of their number.
 */
export function weightiest(metric: RolloutMetricName, samples: readonly Sample[], share: number): string[] {
  if (samples.length <= 2 * TRIED) return samples.map(({ consumer }) => consumer)
  const factors = factorsOf(samples, share)
  const trials = samples.map((sample, i) => sample.trials * (factors[i] ?? 0))
  const { bad, average } = metric === 'p95-latency' ? slow(samples, share) : failing(samples, share)
  const excess = samples.map((sample, i) => Math.abs(bad(sample) - average * sample.trials) * (factors[i] ?? 0))
  return [...new Set([...largest(trials), ...largest(excess)])].map((i) => samples[i]?.consumer ?? '')
}

type Badness = { readonly bad: (sample: Sample) => number; readonly average: number }

function failing(samples: readonly Sample[], share: number): Badness {
  const { bad, trials } = pooled(samples, share)
  return { bad: (sample) => sample.bad, average: bad / trials }
}

/** Latencies beyond the p95 of all. */
function slow(samples: readonly Sample[], share: number): Badness {
  const bins = pooledBins(samples, share)
  const total = bins.reduce((sum, one) => sum + one, 0)
  let edge = 0
  for (let below = 0; edge < bins.length && below < 0.95 * total; edge++) below += bins[edge] ?? 0
  return { bad: ({ bins: own }) => own.slice(edge).reduce((sum, one) => sum + one, 0), average: 0.05 }
}

function largest(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0) || a - b)
  return order.slice(0, TRIED)
}
