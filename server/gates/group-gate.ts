import type { Estimate, Unknown } from '../../core/metrics/confidence/estimate.ts'
import { metricOf } from '../../core/metrics/named.ts'
import type { MetricGate } from '../../core/plan/gates.ts'
import type { GateVerdict } from '../../core/run/view.ts'
import { dropOf, type Pooling, rankedBy } from './compare.ts'
import { type EvaluatedCandidate, groupNamesOf, partsOf } from './evaluated.ts'
import { pooled, trimmed } from './pool.ts'
import { allKnown, extreme } from './several.ts'
import { type Head, judged, notEvaluable, show, type Test } from './verdict.ts'

/** A bound that must hold for each group, over the rows of all clients that sent it. */
export function judgeGroups(
  gate: MetricGate,
  candidate: EvaluatedCandidate,
  pooling: Pooling,
  head: Head,
  test: Test,
): GateVerdict {
  const { groupBy = '', metric: name, confidence, maxDrop } = gate
  const names = groupNamesOf(candidate, groupBy)
  if ('why' in names) return notEvaluable(head, name, names)
  const { sent, unsent } = sentGroups(candidate, groupBy, names)
  if (sent.length === 0) return notEvaluable(head, name, { why: `no client has enough rows of a group of ${groupBy}` })
  const metric = metricOf(gate)
  const paired = maxDrop !== undefined && candidate.champion !== undefined
  const ofGroup = (group: string, alpha: number | undefined): Estimate | Unknown => {
    const parts = trimmed(partsOf(candidate, { by: groupBy, group }), pooling.trim ?? 0, rankedBy(metric, paired))
    if ('why' in parts) return parts
    const value = pooled(parts, { metric, model: 0, alpha })
    if (!paired || 'why' in value) return value
    const inUse = pooled(parts, { metric, model: 1, alpha })
    return 'why' in inUse ? inUse : dropOf(metric, value, inUse)
  }
  const of = (alpha: number | undefined) =>
    allKnown(
      sent.map((group) => {
        const found = ofGroup(group, alpha)
        return 'why' in found ? { why: `group ${group}: ${found.why}` } : found
      }),
    )
  const alpha = confidence === undefined ? undefined : 1 - confidence
  const estimates = of(alpha)
  if ('why' in estimates) return notEvaluable(head, name, estimates)
  const corrected = of(alpha === undefined ? alpha : alpha / sent.length)
  const lowest = maxDrop !== undefined && !paired ? metric.better === 'higher' : test.side === 'at least'
  const worst = 'why' in corrected ? corrected : extremeOf(estimates, corrected, lowest ? 'lowest' : 'highest')
  if ('why' in worst) return notEvaluable(head, name, worst)
  const group = sent[estimates.findIndex(({ value }) => value === worst.value)]
  const left = unsent.length === 0 ? '' : `; too few rows of ${unsent.join(', ')}`
  if (maxDrop !== undefined && candidate.champion === undefined) {
    const explanation = `${name} ${show(worst.value)} of ${groupBy} ${group}; there is no version to compare with${left}`
    return { ...head, verdict: 'pass', value: worst.value, explanation, n: worst.rows }
  }
  const what = paired ? `${name} worse by ${show(worst.value)}` : `${name} ${show(worst.value)}`
  return judged(head, worst, test, `${what} of ${groupBy} ${group}, the worst of ${sent.length}${left}`)
}

/** The groups that some client sent, and those that all clients have too few rows of. */
export function sentGroups(
  candidate: EvaluatedCandidate,
  by: string,
  names: readonly string[],
): { readonly sent: string[]; readonly unsent: string[] } {
  const isSent = (group: string) => partsOf(candidate, { by, group }).length > 0
  return { sent: names.filter(isSent), unsent: names.filter((group) => !isSent(group)) }
}

function extremeOf(
  estimates: readonly Estimate[],
  corrected: readonly Estimate[],
  side: 'lowest' | 'highest',
): Estimate | Unknown {
  return extreme(estimates, corrected, side) ?? { why: 'there is no group' }
}
