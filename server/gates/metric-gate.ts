import type { Estimate, Unknown } from '../../core/metrics/confidence/estimate.ts'
import { metricOf } from '../../core/metrics/named.ts'
import type { MetricGate } from '../../core/plan/gates.ts'
import type { GateVerdict } from '../../core/run/view.ts'
import { dropOf, type Pooling, rankedBy, testOf } from './compare.ts'
import { type EvaluatedCandidate, type Part, partsOf } from './evaluated.ts'
import { judgeGroups } from './group-gate.ts'
import { type Measure, pooled, single, trimmed } from './pool.ts'
import { allKnown, extreme, middle } from './several.ts'
import { headOf, judged, notEvaluable, show } from './verdict.ts'

export function judgeMetric(gate: MetricGate, candidate: EvaluatedCandidate, pooling: Pooling): GateVerdict {
  const head = headOf(gate, gate.metric, gate.min ?? gate.max ?? gate.maxDrop ?? Number.NaN)
  const test = testOf(gate)
  if (gate.on === 'worst-group') return judgeGroups(gate, candidate, pooling, head, test)
  const parts = partsOf(candidate)
  const compared = gate.maxDrop !== undefined && candidate.champion !== undefined
  const value = measured(gate, parts, pooling, { model: 0, paired: compared })
  if ('why' in value) return notEvaluable(head, gate.metric, value)
  const words = `${gate.metric} ${show(value.value)}`
  if (gate.maxDrop === undefined) return judged(head, value, test, words)
  if (candidate.champion === undefined) {
    const explanation = `${words}; there is no version to compare with`
    return { ...head, verdict: 'pass', value: value.value, explanation, n: value.rows }
  }
  const { version } = candidate.champion
  const inUse = measured(gate, parts, pooling, { model: 1, paired: true })
  if ('why' in inUse) return notEvaluable(head, `${gate.metric} of version ${version}`, inUse, value.value)
  const drop = dropOf(metricOf(gate), value, inUse)
  return judged(
    head,
    drop,
    test,
    `${words} against ${show(inUse.value)} of version ${version}: worse by ${show(drop.value)}`,
  )
}

type Which = { readonly model: 0 | 1; readonly paired: boolean }

function measured(gate: MetricGate, parts: readonly Part[], { trim = 0 }: Pooling, which: Which): Estimate | Unknown {
  const metric = metricOf(gate)
  const alpha = gate.confidence === undefined ? undefined : 1 - gate.confidence
  const measure: Measure = { metric, model: which.model, alpha }
  if (gate.on === 'pooled') {
    const kept = trimmed(parts, trim, rankedBy(metric, which.paired))
    return 'why' in kept ? kept : pooled(kept, measure)
  }
  const estimates = allKnown(single(parts, measure))
  if ('why' in estimates) return estimates
  if (gate.on === 'median-client') return middle(estimates)
  const corrected = allKnown(single(parts, { ...measure, alpha: alpha === undefined ? alpha : alpha / parts.length }))
  if ('why' in corrected) return corrected
  return extreme(estimates, corrected, metric.better === 'lower' ? 'highest' : 'lowest') ?? { why: 'nobody answered' }
}
