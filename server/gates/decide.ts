import { metricsOf } from '../../core/metrics/compute.ts'
import type { GroupId } from '../../core/metrics/groups.ts'
import { type MetricName, type Metrics, metricTable } from '../../core/metrics/metrics.ts'
import { sumCounts } from '../../core/metrics/sum.ts'
import type { Gate } from '../../core/plan/gates.ts'
import type { GateVerdict } from '../../core/run/view.ts'
import { type Pooling, rankedBy } from './compare.ts'
import { type EvaluatedCandidate, partsOf } from './evaluated.ts'
import { judgeFairness } from './fairness-gate.ts'
import { judgeOnHoldout } from './holdout.ts'
import { judgeLatency } from './latency-gate.ts'
import { judgeMetric } from './metric-gate.ts'
import { pooled, trimmed } from './pool.ts'
import { judgeProbe } from './probe-gate.ts'
import { judgeSize } from './size-gate.ts'

export type { EvaluatedCandidate } from './evaluated.ts'

const ALL: Pooling = {}

/** Judges a candidate by the gates of its plan. What cannot be evaluated did not pass. */
export function decideGates(gates: readonly Gate[], candidate: EvaluatedCandidate, pooling = ALL): GateVerdict[] {
  return gates.map((gate) => {
    if ('size' in gate) return judgeSize(gate, candidate)
    if ('latency' in gate) return judgeLatency(gate, candidate)
    if ('probe' in gate) return judgeProbe(gate, candidate)
    if (gate.on === 'holdout') return judgeOnHoldout(gate, candidate)
    if ('fairness' in gate) return judgeFairness(gate, candidate, pooling)
    return judgeMetric(gate, candidate, pooling)
  })
}

/** The metrics over all rows together; undefined when nobody answered or the answers do not fit together. */
export function pooledMetrics(candidate: EvaluatedCandidate): Metrics | undefined {
  const counts = candidate.results.flatMap((result) => result.counts[0] ?? [])
  const sum = counts.length < candidate.results.length ? undefined : sumCounts(counts)
  return sum === undefined ? undefined : metricsOf(sum)
}

/** The metrics of each group that some client sent, over the rows of all that did. */
export function groupMetrics({ results }: EvaluatedCandidate): (GroupId & { clients: number; metrics: Metrics })[] {
  const sent = results.flatMap(({ groups: [own = []] = [] }) => own)
  const keyOf = ({ by, group }: GroupId) => `${by}: ${group}`
  const keys = [...new Set(sent.map(keyOf))].sort()
  return keys.flatMap((key) => {
    const own = sent.filter((one) => keyOf(one) === key)
    const [first] = own
    const sum = sumCounts(own.map(({ counts }) => counts))
    if (first === undefined || sum === undefined) return []
    const clients = own.reduce((total, one) => total + (one.clients ?? 1), 0)
    return [{ by: first.by, group: first.group, clients, metrics: metricsOf(sum) }]
  })
}

/** One metric of the candidate as a gate on it would see it; null where it is not defined. */
export function pooledValue(candidate: EvaluatedCandidate, name: MetricName, { trim = 0 } = ALL): number | null {
  const metric = metricTable[name]
  const parts = trimmed(partsOf(candidate), trim, rankedBy(metric, false))
  const found = 'why' in parts ? parts : pooled(parts, { metric, model: 0, alpha: undefined })
  return 'why' in found ? null : found.value
}
