import { type FairnessName, type GateMetricName, metricOf } from '../metrics/named.ts'
import type { Cell } from './data.ts'
import type { PlaceName } from './gates.ts'
import type { LatencyGate } from './latency-gate.ts'
import type { ProbeName } from './probe-gates.ts'
import { probeProblem, strayProblem } from './probe-shape.ts'

/** A gate as people write it, each member by itself in order. */
export type WrittenGate = {
  id?: string | undefined
  hard?: boolean | undefined
  metric?: GateMetricName | undefined
  atPrecision?: number | undefined
  fairness?: FairnessName | undefined
  size?: { maxBytes: number } | undefined
  latency?: LatencyGate['latency'] | undefined
  probe?: ProbeName | undefined
  perturb?: { noise: number } | undefined
  target?: Cell | undefined
  on?: PlaceName | undefined
  groupBy?: string | undefined
  min?: number | undefined
  max?: number | undefined
  maxDrop?: number | undefined
  maxGap?: number | undefined
  confidence?: number | undefined
}

export type GateProblem = { readonly path: (keyof WrittenGate)[]; readonly message: string }

/** What in a gate does not go together, or can never pass. */
export function checkGateShape(gate: WrittenGate): GateProblem[] {
  const problem = kindProblem(gate) ?? precisionProblem(gate) ?? confidenceProblem(gate) ?? hopeless(gate)
  return problem === undefined ? [] : [problem]
}

function kindProblem(gate: WrittenGate): GateProblem | undefined {
  if (gate.size !== undefined) return aloneProblem(gate, 'size')
  if (gate.latency !== undefined) return aloneProblem(gate, 'latency')
  if (gate.probe !== undefined) return probeProblem(gate, gate.probe, given(gate))
  return strayProblem(gate) ?? (gate.fairness === undefined ? metricProblem(gate) : fairnessProblem(gate))
}

function aloneProblem(gate: WrittenGate, kind: 'size' | 'latency'): GateProblem | undefined {
  const other = given(gate).find((key) => key !== kind && key !== 'id' && key !== 'hard')
  if (other === undefined) return undefined
  return { path: [other], message: `a gate on ${kind} has nothing else but id and hard` }
}

function fairnessProblem({
  fairness,
  metric,
  groupBy,
  maxGap,
  on,
  min,
  max,
  maxDrop,
}: WrittenGate): GateProblem | undefined {
  if (groupBy === undefined) return { path: ['groupBy'], message: `${fairness} compares groups: give groupBy` }
  if (maxGap === undefined) return { path: ['maxGap'], message: `${fairness} is bounded by maxGap` }
  if (fairness === 'worst-gap' && metric === undefined) {
    return { path: ['metric'], message: 'worst-gap is the gap of a metric: give metric' }
  }
  if (fairness !== 'worst-gap' && metric !== undefined) {
    return { path: ['metric'], message: `${fairness} has its own figures; the gap of a metric is fairness: worst-gap` }
  }
  const elsewhere = on === 'holdout' ? undefined : on
  const other = Object.entries({ on: elsewhere, min, max, maxDrop }).find(([, value]) => value !== undefined)
  if (other === undefined) return undefined
  return { path: [other[0] as keyof WrittenGate], message: 'a fairness gate is bounded by maxGap alone' }
}

function metricProblem({ metric, groupBy, maxGap, on, min, max, maxDrop }: WrittenGate): GateProblem | undefined {
  if (metric === undefined)
    return { path: ['metric'], message: 'a gate has one of metric, fairness, probe, size and latency' }
  const bounds = [min, max, maxDrop, maxGap].filter((value) => value !== undefined)
  if (bounds.length !== 1) {
    return { path: [], message: 'a gate has exactly one of min, max and maxDrop, or of groups maxGap' }
  }
  if (maxGap !== undefined) {
    if (groupBy === undefined) return { path: ['groupBy'], message: 'maxGap compares groups: give groupBy' }
    if (on === undefined || on === 'holdout') return undefined
    return { path: ['on'], message: 'maxGap is of all groups: leave `on` out, or say holdout' }
  }
  if (on === 'holdout') return undefined
  if ((groupBy === undefined) === (on === 'worst-group')) {
    return groupBy === undefined
      ? { path: ['groupBy'], message: 'worst-group needs groupBy, a name of evaluation.groups' }
      : on === undefined
        ? undefined
        : { path: ['on'], message: `groupBy goes with on: worst-group, not with ${on}` }
  }
  return undefined
}

function precisionProblem({ metric, atPrecision }: WrittenGate): GateProblem | undefined {
  if ((metric === 'recallAtPrecision') === (atPrecision !== undefined)) return undefined
  const message =
    atPrecision === undefined
      ? 'recallAtPrecision needs atPrecision'
      : 'atPrecision belongs to the metric recallAtPrecision'
  return { path: ['atPrecision'], message }
}

function confidenceProblem({ metric, confidence }: WrittenGate): GateProblem | undefined {
  if (confidence === undefined) return undefined
  if (metric === 'loss') {
    return { path: ['confidence'], message: 'of the losses only the sum is known: a gate on loss has no confidence' }
  }
  if (metric === 'r2') {
    const why = 'how errors and labels vary together is not counted'
    return { path: ['confidence'], message: `${why}: a gate on r2 has no confidence; mae, rmse and mse have` }
  }
  return undefined
}

/** A bound that no model can keep. With a confidence the ends of the range cannot be kept either: no bound reaches them. */
function hopeless({
  metric,
  atPrecision,
  min,
  max,
  maxDrop,
  maxGap,
  confidence,
}: WrittenGate): GateProblem | undefined {
  const [least, largest] = metric === undefined ? [0, 1] : metricOf({ metric, atPrecision }).range
  const sure = confidence !== undefined
  const never = (path: keyof WrittenGate, why: string): GateProblem => ({
    path: [path],
    message: `never passes: ${why}`,
  })
  const of = `${metric ?? 'a share'} ${rangeText(least, largest)}`
  if (min !== undefined && (min > largest || (sure && min === largest))) return never('min', of)
  if (max !== undefined && (max < least || (sure && max === least))) return never('max', of)
  if (maxDrop !== undefined && maxDrop < least - largest) return never('maxDrop', of)
  if (maxGap !== undefined && (maxGap < 0 || (sure && maxGap === 0))) return never('maxGap', 'a gap is at least 0')
  return undefined
}

function rangeText(least: number, largest: number): string {
  if (largest === Number.POSITIVE_INFINITY) return `is at least ${least}`
  return least === Number.NEGATIVE_INFINITY ? `is at most ${largest}` : `lies between ${least} and ${largest}`
}

function given(gate: WrittenGate): (keyof WrittenGate)[] {
  return (Object.keys(gate) as (keyof WrittenGate)[]).filter((key) => gate[key] !== undefined)
}
