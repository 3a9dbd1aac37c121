import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { ActForm } from './act.tsx'

type Props<Value> = {
  /** What opens the form, and what it does: `Stop this run`. */
  readonly title: string
  readonly explanation: ComponentChildren
  /** Longest reason that is taken. */
  readonly most: number
  readonly act: (reason: string) => Promise<Value>
  /** What is said once it is done. */
  readonly done: (value: Value) => ComponentChildren
  /** Fields before that of the reason. */
  readonly children?: ComponentChildren
}

/** An act that asks for its reason first. */
export function ReasonForm<Value>({ title, explanation, most, act, done, children }: Props<Value>) {
  const [reason, setReason] = useState('')
  return (
    <ActForm title={title} explanation={explanation} act={() => act(reason.trim())} done={done}>
      {children}
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
    </ActForm>
  )
}
