import { figure } from '../format.ts'
import { Table } from './table.tsx'
import { Badge, type Tone } from './words.tsx'

type Decimal = number | string

/** A verdict of a run, or of a manifest, which has decimals as text. */
export type ShownGate = {
  readonly gate: string
  readonly metric: string
  readonly verdict: 'pass' | 'fail' | 'not-evaluable'
  readonly value: Decimal | null
  readonly bound: Decimal | null
  readonly explanation: string
  readonly n?: number | undefined
  readonly interval?: { readonly low: Decimal; readonly high: Decimal; readonly confidence: Decimal } | undefined
  readonly hard?: true | undefined
  readonly holdout?: { readonly sha256: string; readonly rows: number; readonly looks: number } | undefined
}

const tones: Readonly<Record<ShownGate['verdict'], Tone>> = { pass: 'good', fail: 'bad', 'not-evaluable': 'warn' }

export function Gates({ gates }: { readonly gates: readonly ShownGate[] }) {
  return (
    <Table
      caption="Gates and their verdicts"
      head={['Gate', 'Verdict', 'Value', 'Bound', 'Interval', 'Rows', 'In words']}
      rows={gates.map(({ gate, verdict, value, bound, interval, n, hard, explanation, holdout }) => [
        `${gate}${hard === true ? ' (hard)' : ''}`,
        <Badge tone={tones[verdict]}>{verdict}</Badge>,
        figure(value),
        figure(bound),
        interval === undefined
          ? ''
          : `${figure(interval.low)} to ${figure(interval.high)} (${figure(100 * Number(interval.confidence))} %)`,
        n ?? '',
        <span key="words" class="long">
          {explanation}
          {holdout !== undefined && `; on ${holdout.rows} rows of the coordinator, look ${holdout.looks}`}
        </span>,
      ])}
      none="The plan has no gates."
    />
  )
}
