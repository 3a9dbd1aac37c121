import type { SizeGate } from '../../core/plan/gates.ts'
import type { GateVerdict } from '../../core/run/view.ts'
import type { EvaluatedCandidate } from './evaluated.ts'
import { headOf, notEvaluable } from './verdict.ts'

/** Bounds the bytes of the model file that would be published. */
export function judgeSize(gate: SizeGate, { model, weights = model }: EvaluatedCandidate): GateVerdict {
  const { maxBytes } = gate.size
  const head = headOf(gate, 'bytes', maxBytes)
  if (weights === undefined) return notEvaluable(head, 'the model file', { why: 'there is none' })
  const { bytes } = weights
  const explanation = `the model file has ${bytes} bytes, at most ${maxBytes}`
  return { ...head, verdict: bytes <= maxBytes ? 'pass' : 'fail', value: bytes, explanation }
}
