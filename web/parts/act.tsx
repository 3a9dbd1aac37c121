import type { ComponentChildren } from 'preact'
import { useAct } from '../use.ts'
import { Failure } from './page.tsx'

type Props<Value> = {
  /** What opens the form, and what it does: `Stop this run`. */
  readonly title: string
  readonly explanation: ComponentChildren
  readonly act: () => Promise<Value>
  /** What is said once it is done. */
  readonly done: (value: Value) => ComponentChildren
  /** Fields of the form. */
  readonly children?: ComponentChildren
}

/** An act that says first what it does: a form that opens in place. */
export function ActForm<Value>({ title, explanation, act, done, children }: Props<Value>) {
  const state = useAct(act)
  if (state.done !== undefined) return <div role="status">{done(state.done)}</div>
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
        {children}
        <Failure refusal={state.failure} />
        <button type="submit" class="strong" disabled={state.busy}>
          {title}
        </button>
      </form>
    </details>
  )
}
