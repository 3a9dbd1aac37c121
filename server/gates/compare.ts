import { differenceInterval } from '../../core/metrics/confidence/difference.ts'
import type { Estimate } from '../../core/metrics/confidence/estimate.ts'
import type { EvaluationCounts } from '../../core/metrics/counts.ts'
import type { Metric } from '../../core/metrics/metric.ts'
import type { MetricGate } from '../../core/plan/gates.ts'
import type { Test } from './verdict.ts'

/** What gates need to know of how clients are pooled: how many of the best and of the worst are left out (0). */
export type Pooling = { readonly trim?: number }

export function testOf({ min, max, maxDrop, confidence }: MetricGate): Test {
  if (min !== undefined) return { side: 'at least', bound: min, confidence, isDifference: false }
  return { side: 'at most', bound: max ?? maxDrop ?? Number.NaN, confidence, isDifference: maxDrop !== undefined }
}

/** How much worse the candidate is than the version in use. */
export function dropOf({ better }: Metric, candidate: Estimate, inUse: Estimate): Estimate {
  const [a, b] = better === 'lower' ? [candidate, inUse] : [inUse, candidate]
  const value = a.value - b.value
  if (a.interval === undefined || b.interval === undefined) return { value, rows: candidate.rows }
  const interval = differenceInterval({ ...a, interval: a.interval }, { ...b, interval: b.interval })
  return { value, rows: candidate.rows, interval }
}

/** By what clients are ranked before the best and the worst are left out. */
export function rankedBy(metric: Metric, paired: boolean): (counts: readonly EvaluationCounts[]) => number | null {
  return ([own, inUse]) => {
    const value = own === undefined ? null : metric.value(own)
    if (!paired || value === null) return value
    const other = inUse === undefined ? null : metric.value(inUse)
    return other === null ? null : value - other
  }
}
