import { metricsOf } from '../../core/metrics/compute.ts'
import type { EvaluationCounts } from '../../core/metrics/counts.ts'
import type { MetricName, Metrics } from '../../core/metrics/metrics.ts'
import { sumCounts } from '../../core/metrics/sum.ts'
import type { Gate } from '../../core/plan/gates.ts'
import type { GateVerdict } from '../../core/run/view.ts'

/** What the gates judge: each client's counts for the candidate, and for the version in use where there is one. */
export type EvaluatedCandidate = {
  readonly champion?: { readonly version: number }
  readonly results: readonly { readonly client: string; readonly counts: readonly EvaluationCounts[] }[]
}

// A drop is a difference of two rounded figures: one of exactly the bound must not fail by the last bit.
const ROUNDING = 1e-12

/** Judges a candidate by the gates of its plan. What cannot be evaluated did not pass. */
export function decideGates(gates: readonly Gate[], candidate: EvaluatedCandidate): GateVerdict[] {
  return gates.map((gate) => decide(gate, candidate))
}

/** The metrics over all rows together; undefined when nobody answered or the answers do not fit together. */
export function pooledMetrics(candidate: EvaluatedCandidate, model: 0 | 1 = 0): Metrics | undefined {
  const counts = candidate.results.map((result) => result.counts[model])
  const known = counts.filter((one) => one !== undefined)
  const sum = known.length === 0 || known.length < counts.length ? undefined : sumCounts(known)
  return sum === undefined ? undefined : metricsOf(sum)
}

function decide(gate: Gate, candidate: EvaluatedCandidate): GateVerdict {
  const { metric } = gate
  const bound = gate.min ?? gate.max ?? gate.maxDrop ?? null
  const head = { gate: gate.id ?? nameOf(gate), metric, bound }
  const value = measure(gate, candidate, 0)
  if (value === null)
    return { ...head, verdict: 'not-evaluable', value, explanation: `${metric} could not be measured` }
  if (gate.maxDrop === undefined) {
    const passed = gate.min === undefined ? value <= (gate.max ?? Number.NaN) : value >= gate.min
    const relation = gate.min === undefined ? 'at most' : 'at least'
    return {
      ...head,
      verdict: passed ? 'pass' : 'fail',
      value,
      explanation: `${metric} ${show(value)}, ${relation} ${bound}`,
    }
  }
  if (candidate.champion === undefined) {
    return {
      ...head,
      verdict: 'pass',
      value,
      explanation: `${metric} ${show(value)}; there is no version to compare with`,
    }
  }
  const inUse = measure(gate, candidate, 1)
  if (inUse === null) {
    return {
      ...head,
      verdict: 'not-evaluable',
      value,
      explanation: `${metric} of version ${candidate.champion.version} could not be measured`,
    }
  }
  const drop = lowerIsBetter(metric) ? value - inUse : inUse - value
  return {
    ...head,
    verdict: drop <= gate.maxDrop + ROUNDING ? 'pass' : 'fail',
    value: drop,
    explanation: `${metric} ${show(value)} against ${show(inUse)} of version ${candidate.champion.version}: worse by ${show(drop)}, at most ${gate.maxDrop}`,
  }
}

function measure(gate: Gate, candidate: EvaluatedCandidate, model: 0 | 1): number | null {
  if (gate.on === 'pooled') return pooledMetrics(candidate, model)?.[gate.metric] ?? null
  const values = candidate.results.map(({ counts }) => {
    const own = counts[model]
    return own === undefined ? null : metricsOf(own)[gate.metric]
  })
  if (values.length === 0) return null
  const known = values.filter((value) => value !== null)
  if (known.length < values.length) return null
  return lowerIsBetter(gate.metric) ? Math.max(...known) : Math.min(...known)
}

export function lowerIsBetter(metric: MetricName): boolean {
  return metric === 'loss'
}

function nameOf(gate: Gate): string {
  const kind = gate.min !== undefined ? 'min' : gate.max !== undefined ? 'max' : 'max-drop'
  return `${gate.on === 'pooled' ? '' : 'worst-client-'}${gate.metric}-${kind}`
}

function show(value: number): string {
  return value.toFixed(4)
}
