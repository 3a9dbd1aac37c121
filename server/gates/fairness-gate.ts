import { differenceInterval } from '../../core/metrics/confidence/difference.ts'
import type { Estimate, Unknown } from '../../core/metrics/confidence/estimate.ts'
import type { Metric } from '../../core/metrics/metric.ts'
import { comparedBy, type GateMeasure, metricOf } from '../../core/metrics/named.ts'
import type { FairnessGate } from '../../core/plan/gates.ts'
import type { GateVerdict } from '../../core/run/view.ts'
import { type Pooling, rankedBy } from './compare.ts'
import { type EvaluatedCandidate, groupNamesOf, partsOf } from './evaluated.ts'
import { sentGroups } from './group-gate.ts'
import { pooled, trimmed } from './pool.ts'
import { allKnown } from './several.ts'
import { headOf, judged, notEvaluable, show } from './verdict.ts'

/** Bounds the largest difference between two groups of any of the figures that the gate compares. */
export function judgeFairness(gate: FairnessGate, candidate: EvaluatedCandidate, pooling: Pooling): GateVerdict {
  const { groupBy, maxGap, confidence } = gate
  const measure: GateMeasure = gate.fairness === 'worst-gap' ? (gate.metric ?? 'accuracy') : gate.fairness
  const what = gate.fairness === 'worst-gap' ? `the gap of ${measure} by ${groupBy}` : `${measure} by ${groupBy}`
  const head = headOf(gate, measure, maxGap)
  const names = groupNamesOf(candidate, groupBy)
  if ('why' in names) return notEvaluable(head, what, names)
  const { sent, unsent } = sentGroups(candidate, groupBy, names)
  const left = unsent.length === 0 ? '' : `; too few rows of ${unsent.join(', ')}`
  if (sent.length < 2)
    return notEvaluable(head, what, { why: `there are fewer than two groups with enough rows${left}` })
  const metrics = metricsOf(gate)
  const alpha = confidence === undefined ? undefined : 1 - confidence
  const pairs = metrics.length * sent.length * (sent.length - 1)
  const groups = { candidate, by: groupBy, names: sent, trim: pooling.trim ?? 0 }
  const gap = largestGap(groups, metrics, alpha)
  if ('why' in gap) return notEvaluable(head, what, gap)
  const corrected = alpha === undefined ? gap : largestGap(groups, metrics, alpha / pairs)
  if ('why' in corrected) return notEvaluable(head, what, corrected)
  // The true largest gap is one of the pairs, whose upper bound needs no correction; the lower bound holds for all at once.
  const interval =
    gap.interval === undefined || corrected.interval === undefined
      ? {}
      : { interval: { low: Math.max(0, corrected.interval.low), high: gap.interval.high } }
  const words = `${what} ${show(gap.value)}, between ${gap.between}${left}`
  return judged(
    head,
    { value: gap.value, rows: gap.rows, ...interval },
    { side: 'at most', bound: maxGap, confidence, isDifference: true },
    words,
  )
}

function metricsOf(gate: FairnessGate): readonly Metric[] {
  if (gate.fairness !== 'worst-gap') return comparedBy[gate.fairness]
  return gate.metric === undefined ? [] : [metricOf({ metric: gate.metric, atPrecision: gate.atPrecision })]
}

type Groups = {
  readonly candidate: EvaluatedCandidate
  readonly by: string
  readonly names: readonly string[]
  readonly trim: number
}

type Gap = Estimate & { readonly between: string }

/** The largest gap over all figures and pairs of groups. Each end of its interval is the largest of the pairs' ends. */
function largestGap(groups: Groups, metrics: readonly Metric[], alpha: number | undefined): Gap | Unknown {
  let largest: Gap | undefined
  for (const metric of metrics) {
    const estimates = ofGroups(groups, metric, alpha)
    if ('why' in estimates) return estimates
    const rows = estimates.reduce((sum, one) => sum + one.rows, 0)
    estimates.forEach((a, i) => {
      estimates.forEach((b, j) => {
        if (i === j) return
        const value = a.value - b.value
        const between = `${groups.names[j]} (${show(b.value)}) and ${groups.names[i]} (${show(a.value)})`
        const bounds =
          a.interval === undefined || b.interval === undefined
            ? undefined
            : differenceInterval({ ...a, interval: a.interval }, { ...b, interval: b.interval })
        largest = joined(largest, { value, rows, between, ...(bounds === undefined ? {} : { interval: bounds }) })
      })
    })
  }
  return largest ?? { why: 'there is nothing to compare' }
}

function joined(a: Gap | undefined, b: Gap): Gap {
  if (a === undefined) return b
  const larger = b.value > a.value ? b : a
  if (a.interval === undefined || b.interval === undefined) return larger
  const low = Math.max(a.interval.low, b.interval.low)
  const high = Math.max(a.interval.high, b.interval.high)
  return { ...larger, interval: { low, high } }
}

function ofGroups({ candidate, by, names, trim }: Groups, metric: Metric, alpha: number | undefined) {
  return allKnown(
    names.map((group) => {
      const parts = trimmed(partsOf(candidate, { by, group }), trim, rankedBy(metric, false))
      const found = 'why' in parts ? parts : pooled(parts, { metric, model: 0, alpha })
      return 'why' in found ? { why: `group ${group}: ${found.why}` } : found
    }),
  )
}
