import type { NetworkEnds } from '../../../client/training/network.ts'
import type { Training } from '../../../core/plan/training.ts'
import { logistic } from './special-functions.ts'
import type { Tape, Term } from './tape.ts'

/** The loss of one example: cross-entropy, or of a numeric label the square or Huber's of the error as a share of its range. */
export function lossOf(
  tape: Tape,
  logits: readonly Term[],
  label: number,
  { classes, numeric }: NetworkEnds,
  loss: Training['loss'],
): Term {
  const [first] = logits as [Term]
  if (numeric !== undefined) {
    const error = tape.linear(first, 1, -label / 1e6)
    return loss === undefined || loss === 'mse'
      ? tape.multiply(error, error)
      : huber(tape, error, loss.huber.delta / (numeric.max - numeric.min))
  }
  if (classes === 1) {
    // −ln p of the label's own side.
    return tape.apply(tape.linear(first, label === 1 ? -1 : 1), softplus, logistic)
  }
  const largest = Math.max(...logits.map((logit) => tape.value(logit)))
  const powers = logits.map((logit) => tape.apply(tape.linear(logit, 1, -largest), Math.exp, Math.exp))
  const total = tape.apply(tape.sum(powers), Math.log, (v) => 1 / v)
  return tape.add(tape.linear(total, 1, largest), tape.linear(logits[label]!, -1))
}

function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))
}

function huber(tape: Tape, error: Term, delta: number): Term {
  return tape.apply(
    error,
    (e) => (Math.abs(e) <= delta ? (e * e) / 2 : delta * (Math.abs(e) - delta / 2)),
    (e) => Math.max(-delta, Math.min(delta, e)),
  )
}
