import { useState } from 'preact/hooks'
import type { Session } from '../answers.ts'
import { ask, json } from '../api.ts'
import { useAct } from '../use.ts'
import { Failure } from './page.tsx'

/** Longest and shortest password that the coordinator takes, in characters. */
const [LEAST, MOST] = [12, 1_000]

/** Sets another password. */
export function PasswordForm({ changed }: { readonly changed: (session: Session) => void }) {
  const [current, setCurrent] = useState('')
  const [next, setNext] = useState('')
  const [again, setAgain] = useState('')
  const differs = again !== '' && again !== next
  const act = useAct(
    async () => (await ask<Session>('POST', '/v1/session/password', json({ current, next }))).value,
    (session) => {
      setCurrent('')
      setNext('')
      setAgain('')
      changed(session)
    },
  )
  const field = (label: string, name: string, value: string, set: (text: string) => void, complete: string) => (
    <label>
      {label}
      <input
        name={name}
        type="password"
        autoComplete={complete}
        required
        minLength={name === 'current' ? undefined : LEAST}
        maxLength={MOST}
        value={value}
        onInput={({ currentTarget }) => set(currentTarget.value)}
      />
    </label>
  )
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (!differs) act.start()
      }}
    >
      <p>At least {LEAST} characters, and not your name. All of your other sessions end.</p>
      {field('Present password', 'current', current, setCurrent, 'current-password')}
      {field('New password', 'next', next, setNext, 'new-password')}
      {field('New password, again', 'again', again, setAgain, 'new-password')}
      {differs && <p class="wrong">The two are not the same.</p>}
      <Failure refusal={act.failure} />
      <button type="submit" disabled={act.busy || differs}>
        Set the password
      </button>
      {act.done !== undefined && <p role="status">The password is set.</p>}
    </form>
  )
}
