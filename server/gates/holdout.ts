import { gateName } from '../../core/plan/gate-name.ts'
import type { FairnessGate, MetricGate } from '../../core/plan/gates.ts'
import { type HoldoutLook, inTimes } from '../../core/run/holdout.ts'
import type { GateVerdict } from '../../core/run/view.ts'
import type { EvaluatedCandidate } from './evaluated.ts'
import { judgeFairness } from './fairness-gate.ts'
import { judgeMetric } from './metric-gate.ts'
import { clipped, headOf, notEvaluable } from './verdict.ts'

/**
 * Judges a gate `on: holdout`: as one over the held-out rows of clients, of which the coordinator is the only one. Nobody is left
 * out of what is pooled, and nobody else's word counts.
 */
export function judgeOnHoldout(gate: MetricGate | FairnessGate, { holdout }: EvaluatedCandidate): GateVerdict {
  const measure = 'fairness' in gate && gate.fairness !== 'worst-gap' ? gate.fairness : (gate.metric ?? 'accuracy')
  const look = lookOf(holdout)
  if ('why' in look) return notEvaluable(headOf(gate, measure, boundOf(gate)), `${measure} on the holdout`, look)
  const { groupBy } = gate
  const lacking = look.models[0]?.lacking.find(({ by }) => by === groupBy)
  if (lacking !== undefined) {
    const why = `data.schema: the column ${lacking.column} is not in the holdout`
    return withHoldout(notEvaluable(headOf(gate, measure, boundOf(gate)), measure, { why }), look)
  }
  const named = { ...gate, id: gate.id ?? gateName(gate) }
  const candidate = candidateOn(look)
  const verdict =
    'fairness' in named
      ? judgeFairness(named, candidate, {})
      : judgeMetric({ ...named, on: groupBy === undefined ? 'pooled' : 'worst-group' }, candidate, {})
  return withHoldout(verdict, look)
}

/** What was counted on the coordinator's rows, or why nothing was. */
export function lookOf(holdout: EvaluatedCandidate['holdout']): HoldoutLook | { readonly why: string } {
  if (holdout === undefined) return { why: 'the round was not evaluated on rows of the coordinator' }
  return 'failure' in holdout ? { why: holdout.failure } : holdout
}

/** A verdict with the rows that it was reached on, and how often they have been looked at. */
export function withHoldout(
  verdict: GateVerdict,
  look: HoldoutLook,
  of: 'holdout' | 'trigger' = 'holdout',
): GateVerdict {
  const { sha256, rows } = (of === 'trigger' ? look.trigger : undefined) ?? look
  const { looks } = look
  const words = `${of === 'trigger' ? 'trigger rows' : 'holdout'} ${sha256.slice(0, 12)} with ${rows} rows, looked at ${inTimes(looks)}`
  return {
    ...verdict,
    explanation: clipped(`${verdict.explanation.slice(0, 850)} (${words})`),
    holdout: { sha256, rows, looks },
  }
}

/** The coordinator as the only client that answered. */
function candidateOn({ models, champion }: HoldoutLook): EvaluatedCandidate {
  const [own] = models
  const result = {
    client: 'coordinator',
    counts: models.map(({ counts }) => counts),
    groups: models.map(({ groups }) => groups),
    withheld: own?.withheld ?? [],
  }
  return { results: [result], ...(champion === undefined ? {} : { champion }) }
}

function boundOf(gate: MetricGate | FairnessGate): number {
  if ('fairness' in gate) return gate.maxGap
  return gate.min ?? gate.max ?? gate.maxDrop ?? Number.NaN
}
