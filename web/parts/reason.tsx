import { useState } from 'preact/hooks'
import { useAct } from '../use.ts'
import { Failure } from './page.tsx'

type Props<Value> = {
  /** What opens the form, and what it does: `Stop this run`. */
  readonly title: string
  readonly explanation: string
  /** Longest reason that is taken. */
  readonly most: number
  readonly act: (reason: string) => Promise<Value>
  /** What is said once it is done. */
  readonly done: (value: Value) => string
}

/** An act that asks for its reason first: a form that opens in place. */
export function ReasonForm<Value>({ title, explanation, most, act, done }: Props<Value>) {
  const [reason, setReason] = useState('')
  const state = useAct(() => act(reason.trim()))
  if (state.done !== undefined) return <p role="status">{done(state.done)}</p>
  return (
    <details class="act">
      <summary>{title}…</summary>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          state.start()
        }}
      >
        <p>{explanation}</p>
        <label>
          Reason, for the record
          <input
            name="reason"
            required
            maxLength={most}
            pattern=".*\S.*"
            value={reason}
            onInput={({ currentTarget }) => setReason(currentTarget.value)}
          />
        </label>
        <Failure refusal={state.failure} />
        <button type="submit" class="strong" disabled={state.busy}>
          {title}
        </button>
      </form>
    </details>
  )
}
