import type { Estimate, Unknown } from '../../core/metrics/confidence/estimate.ts'
import type { GateMeasure } from '../../core/metrics/named.ts'
import { gateName } from '../../core/plan/gate-name.ts'
import type { Gate } from '../../core/plan/gates.ts'
import type { GateVerdict } from '../../core/run/view.ts'

/** What every verdict on a gate begins with. */
export type Head = Pick<GateVerdict, 'gate' | 'metric' | 'bound' | 'hard'>

export function headOf(gate: Gate, metric: GateMeasure, bound: number): Head {
  return { gate: gate.id ?? gateName(gate), metric, bound, ...(gate.hard === true ? { hard: true } : {}) }
}

/** What could not be evaluated did not pass. */
export function notEvaluable(head: Head, what: string, { why }: Unknown, value: number | null = null): GateVerdict {
  return { ...head, verdict: 'not-evaluable', value, explanation: clipped(`${what} could not be measured: ${why}`) }
}

/** What the value is held against. */
export type Test = {
  readonly side: 'at least' | 'at most'
  readonly bound: number
  readonly confidence: number | undefined
  /** The value is a difference of two rounded figures: one of exactly the bound must not fail by the last bit. */
  readonly isDifference: boolean
}

const ROUNDING = 1e-12

/** Holds the value against its bound, or its one-sided confidence bound where the gate asks for one. */
export function judged(head: Head, estimate: Estimate, test: Test, words: string): GateVerdict {
  const { value, rows, interval } = estimate
  const { side, bound, confidence, isDifference } = test
  const slack = isDifference ? ROUNDING : 0
  const sure = confidence !== undefined && interval !== undefined
  const held = sure ? (side === 'at least' ? interval.low : interval.high) : value
  const passed = side === 'at least' ? held >= bound : held <= bound + slack
  const certainty = sure ? `, ${side} ${show(held)} with ${percent(confidence)}` : ''
  return {
    ...head,
    verdict: passed ? 'pass' : 'fail',
    value,
    explanation: clipped(`${words}${certainty}, ${sure ? 'wanted ' : ''}${side} ${bound}`),
    n: rows,
    ...(sure ? { interval: { ...interval, confidence } } : {}),
  }
}

export function show(value: number): string {
  return value.toFixed(4)
}

function percent(confidence: number): string {
  return `${Number((100 * confidence).toPrecision(6))} % confidence`
}

/** Names come from plans, and a manifest has room for so many characters. */
export function clipped(text: string): string {
  return text.length <= 1_000 ? text : `${text.slice(0, 997)}...`
}
