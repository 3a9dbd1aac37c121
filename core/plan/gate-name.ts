import type { WrittenGate } from './gate-shape.ts'
import type { ProbeName } from './probe-gates.ts'

/** The id of a gate that was given none: what it bounds, where, and how. */
export function gateName(gate: WrittenGate): string {
  const { metric = '', atPrecision, fairness, size, latency, groupBy = '', maxGap, on } = gate
  if (size !== undefined) return 'size'
  if (latency !== undefined) return `latency-p${latency.percentile}-batch-${latency.batch}`
  if (gate.probe !== undefined) return probeName(gate, gate.probe)
  const own = on === 'holdout' ? 'holdout-' : ''
  const what = `${metric}${atPrecision === undefined ? '' : `-${atPrecision}`}`
  if (fairness !== undefined && fairness !== 'worst-gap') return `${own}${fairness}-${groupBy}`
  if (maxGap !== undefined) return `${own}${what}-gap-${groupBy}`
  const place = groupBy === '' ? (on ?? 'pooled') : `${own}worst-group-${groupBy}`
  return `${place === 'pooled' ? '' : `${place}-`}${what}-${boundOf(gate)}`
}

function probeName(gate: WrittenGate, probe: ProbeName): string {
  switch (probe) {
    case 'perturbed': {
      const { perturb, metric = '', atPrecision } = gate
      return `perturbed-${perturb?.noise}-${metric}${atPrecision === undefined ? '' : `-${atPrecision}`}-${boundOf(gate)}`
    }
    case 'trigger':
      // A class may be called anything, an id may not.
      return `trigger-${String(gate.target)
        .replace(/[^A-Za-z0-9._-]/g, '-')
        .slice(0, 80)}`
    case 'change':
      return 'change'
  }
}

function boundOf({ min, max }: WrittenGate): string {
  return min !== undefined ? 'min' : max !== undefined ? 'max' : 'max-drop'
}
