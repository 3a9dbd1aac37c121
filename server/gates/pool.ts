import { type Estimate, estimateOf, type Unknown } from '../../core/metrics/confidence/estimate.ts'
import type { EvaluationCounts } from '../../core/metrics/counts.ts'
import type { Metric } from '../../core/metrics/metric.ts'
import { sumCounts } from '../../core/metrics/sum.ts'
import type { Part } from './evaluated.ts'

/** Estimates of a metric, of the candidate or of the version in use, from the counts of some clients. */
export type Measure = {
  readonly metric: Metric
  readonly model: 0 | 1
  /** Error of each one-sided bound; undefined asks for none. */
  readonly alpha: number | undefined
}

/** Over the rows of all these clients together. */
export function pooled(parts: readonly Part[], { metric, model, alpha }: Measure): Estimate | Unknown {
  const counts = countsOf(parts, model)
  const sum = counts === undefined ? undefined : sumCounts(counts)
  if (sum === undefined) return { why: parts.length === 0 ? 'nobody answered' : 'a client left the model out' }
  return estimateOf(metric, sum, alpha)
}

/** Each client by itself. */
export function single(parts: readonly Part[], { metric, model, alpha }: Measure): (Estimate | Unknown)[] {
  return parts.map(({ client, counts }) => {
    const own = counts[model]
    const found = own === undefined ? { why: 'the model was left out' } : estimateOf(metric, own, alpha)
    return 'why' in found ? { why: `client ${client}: ${found.why}` } : found
  })
}

/**
 * The clients without the `trim` best and the `trim` worst by the figure that is judged, so that so many liars move what is pooled
 * no further than honest clients reach. A client whose own figure is not defined cannot be ranked, and is left out as well: else
 * liars would send rows of one class only.
 *
 * - `figure`: of one client; null where it is not defined.
 */
export function trimmed(
  parts: readonly Part[],
  trim: number,
  figure: (counts: readonly EvaluationCounts[]) => number | null,
): readonly Part[] | Unknown {
  if (trim === 0) return parts
  const ranked = parts
    .flatMap((part) => {
      const value = figure(part.counts)
      return value === null ? [] : [{ part, value }]
    })
    .sort((a, b) => a.value - b.value || (a.part.client < b.part.client ? -1 : 1))
  if (ranked.length <= 2 * trim) {
    return { why: `evaluation.trim of ${trim} needs more than ${2 * trim} clients, and ${ranked.length} can be ranked` }
  }
  return ranked.slice(trim, ranked.length - trim).map(({ part }) => part)
}

function countsOf(parts: readonly Part[], model: 0 | 1): EvaluationCounts[] | undefined {
  const counts = parts.flatMap((part) => part.counts[model] ?? [])
  return counts.length < parts.length ? undefined : counts
}
