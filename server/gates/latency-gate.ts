import type { LatencyGate } from '../../core/plan/latency-gate.ts'
import { latencyWords } from '../../core/run/latency.ts'
import type { GateVerdict } from '../../core/run/view.ts'
import type { EvaluatedCandidate } from './evaluated.ts'
import { clipped, headOf, notEvaluable } from './verdict.ts'

/** Bounds the time to answer that was measured when the round's model was made. */
export function judgeLatency(gate: LatencyGate, { latency }: EvaluatedCandidate): GateVerdict {
  const { maxMs, percentile, batch } = gate.latency
  const head = headOf(gate, 'latency', maxMs)
  const rows = batch === 1 ? 'one row' : `${batch} rows`
  const what = `the time to answer ${rows}`
  if (latency === undefined) return notEvaluable(head, what, { why: 'the round was not evaluated' })
  if ('failure' in latency) return notEvaluable(head, what, { why: latency.failure })
  const found = latency.figures.find((figure) => figure.batch === batch && figure.percentile === percentile)
  if (found === undefined) return notEvaluable(head, what, { why: 'it was not measured' })
  const { ms } = found
  const words = `${percentile} % of the answers to ${rows} came within ${ms} ms, at most ${maxMs} (${latencyWords(latency)})`
  return {
    ...head,
    verdict: ms <= maxMs ? 'pass' : 'fail',
    value: ms,
    explanation: clipped(words),
    n: latency.answers,
  }
}
