import type { ActivationKind } from '../../../client/training/graph/graph.ts'
import { logistic, normalDensity, normalShare } from './special-functions.ts'
import type { Tape, Term } from './tape.ts'

/** An activation of a value, of which softmax is over each `units` in a row. */
export function activated(tape: Tape, kind: ActivationKind, x: readonly Term[], units: number): readonly Term[] {
  switch (kind) {
    case 'linear':
      return x
    case 'softmax':
      return softmax(tape, x, units)
    case 'relu':
      return x.map((one) => {
        tape.near(tape.value(one))
        return tape.apply(
          one,
          (v) => Math.max(0, v),
          (v) => (v > 0 ? 1 : 0),
        )
      })
    case 'gelu':
      return x.map((one) =>
        tape.apply(
          one,
          (v) => v * normalShare(v),
          (v) => normalShare(v) + v * normalDensity(v),
        ),
      )
    case 'tanh':
      return x.map((one) => tape.apply(one, Math.tanh, (v) => 1 - Math.tanh(v) ** 2))
    case 'sigmoid':
      return x.map((one) => tape.apply(one, logistic, (v) => logistic(v) * logistic(-v)))
    case 'elu':
      return x.map((one) =>
        tape.apply(
          one,
          (v) => (v > 0 ? v : Math.expm1(v)),
          (v) => (v > 0 ? 1 : Math.exp(v)),
        ),
      )
  }
}

function softmax(tape: Tape, x: readonly Term[], units: number): readonly Term[] {
  const y: Term[] = []
  for (let begin = 0; begin < x.length; begin += units) {
    const row = x.slice(begin, begin + units)
    const largest = Math.max(...row.map((one) => tape.value(one)))
    const powers = row.map((one) => tape.apply(tape.linear(one, 1, -largest), Math.exp, Math.exp))
    const share = inverse(tape, tape.sum(powers))
    y.push(...powers.map((power) => tape.multiply(power, share)))
  }
  return y
}

export function inverse(tape: Tape, x: Term): Term {
  return tape.apply(
    x,
    (v) => 1 / v,
    (v) => -1 / (v * v),
  )
}
