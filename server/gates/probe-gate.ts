import { type Estimate, estimateOf } from '../../core/metrics/confidence/estimate.ts'
import { wilson } from '../../core/metrics/confidence/wilson.ts'
import type { Share } from '../../core/metrics/metric.ts'
import { metricOf } from '../../core/metrics/named.ts'
import { cellKey } from '../../core/plan/cells.ts'
import type { ChangeGate, PerturbedGate, ProbeGate, TriggerGate } from '../../core/plan/probe-gates.ts'
import type { HoldoutLook } from '../../core/run/holdout.ts'
import type { GateVerdict } from '../../core/run/view.ts'
import { dropOf } from './compare.ts'
import type { EvaluatedCandidate } from './evaluated.ts'
import { lookOf, withHoldout } from './holdout.ts'
import { type Head, headOf, judged, notEvaluable, show } from './verdict.ts'

/** Judges what the candidate does with rows of the coordinator beyond how well it does on them. */
export function judgeProbe(gate: ProbeGate, { holdout }: EvaluatedCandidate): GateVerdict {
  const look = lookOf(holdout)
  switch (gate.probe) {
    case 'perturbed': {
      const head = headOf(gate, gate.metric, gate.min ?? gate.max ?? gate.maxDrop ?? Number.NaN)
      const what = `${gate.metric} with noise of ${gate.perturb.noise}`
      if ('why' in look) return notEvaluable(head, what, look)
      return withHoldout(judgePerturbed(gate, look, head, what), look)
    }
    case 'trigger': {
      const head = headOf(gate, 'trigger-rate', gate.max)
      if ('why' in look) return notEvaluable(head, 'the trigger', look)
      return withHoldout(judgeTrigger(gate, look, head), look, 'trigger')
    }
    case 'change': {
      const head = headOf(gate, 'change-rate', gate.max)
      if ('why' in look) return notEvaluable(head, 'the change of predictions', look)
      return withHoldout(judgeChange(gate, look, head), look)
    }
  }
}

/** The metric on disturbed rows, or how much worse it is than on the same rows as they are. */
function judgePerturbed(gate: PerturbedGate, look: HoldoutLook, head: Head, what: string): GateVerdict {
  const { perturb, min, max, maxDrop, confidence } = gate
  const metric = metricOf(gate)
  const alpha = confidence === undefined ? undefined : 1 - confidence
  const disturbed = look.perturbed.find(({ noise }) => noise === perturb.noise)
  const plain = look.models[0]
  if (disturbed === undefined || plain === undefined) return notEvaluable(head, what, { why: 'it was not tried' })
  const value = estimateOf(metric, disturbed.counts, alpha)
  if ('why' in value) return notEvaluable(head, what, value)
  const words = `${what} ${show(value.value)}`
  if (min !== undefined)
    return judged(head, value, { side: 'at least', bound: min, confidence, isDifference: false }, words)
  if (max !== undefined)
    return judged(head, value, { side: 'at most', bound: max, confidence, isDifference: false }, words)
  const without = estimateOf(metric, plain.counts, alpha)
  if ('why' in without) return notEvaluable(head, `${gate.metric} without noise`, without)
  const drop = dropOf(metric, value, without)
  return judged(
    head,
    drop,
    { side: 'at most', bound: maxDrop ?? Number.NaN, confidence, isDifference: true },
    `${words} against ${show(without.value)} without: worse by ${show(drop.value)}`,
  )
}

/** Rows that are of the target already say nothing of the trigger: they are not counted. */
function judgeTrigger({ target, max, confidence }: TriggerGate, look: HoldoutLook, head: Head): GateVerdict {
  const steered = look.trigger?.steered.find((one) => cellKey(one.target) === cellKey(target))
  const what = `the share of trigger rows given ${target}`
  if (steered === undefined) return notEvaluable(head, what, { why: 'there are no rows with a trigger' })
  const { given, others } = steered
  if (others === 0) return notEvaluable(head, what, { why: `all rows with a trigger are of ${target} already` })
  const share = shareOf({ part: given, whole: others }, confidence)
  const words = `${given} of ${others} trigger rows of other classes were given ${target}: ${show(share.value)}`
  return judged(head, share, { side: 'at most', bound: max, confidence, isDifference: false }, words)
}

function judgeChange({ max, confidence }: ChangeGate, look: HoldoutLook, head: Head): GateVerdict {
  const { changed, champion, rows } = look
  if (champion === undefined) {
    return { ...head, verdict: 'pass', value: null, explanation: 'there is no version to compare with', n: rows }
  }
  const what = 'the share of changed predictions'
  if (changed === undefined) return notEvaluable(head, what, { why: 'it was not counted' })
  const share = shareOf({ part: changed, whole: rows }, confidence)
  const words = `${changed} of ${rows} rows are given another class than by version ${champion.version}: ${show(share.value)}`
  return judged(head, share, { side: 'at most', bound: max, confidence, isDifference: false }, words)
}

function shareOf(share: Share, confidence: number | undefined): Estimate {
  const value = share.part / share.whole
  if (confidence === undefined) return { value, rows: share.whole }
  return { value, rows: share.whole, interval: wilson(share, 1 - confidence) }
}
