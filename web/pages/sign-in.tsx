import { useEffect, useRef, useState } from 'preact/hooks'
import type { Session } from '../answers.ts'
import { ask, json } from '../api.ts'
import { Failure } from '../parts/page.tsx'
import { useAct } from '../use.ts'

type Props = { readonly note?: string | undefined; readonly signedIn: (session: Session) => void }

export function SignIn({ note, signedIn }: Props) {
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [code, setCode] = useState('')
  const first = useRef<HTMLInputElement>(null)
  useEffect(() => {
    document.title = 'Sign in · Parley'
    first.current?.focus()
  }, [])
  const act = useAct(async () => {
    const given = { name: name.trim(), password, ...(code.trim() === '' ? {} : { code: code.trim() }) }
    try {
      return (await ask<Session>('POST', '/v1/session', json(given))).value
    } finally {
      // A code is good for once.
      setCode('')
    }
  }, signedIn)
  return (
    <main class="alone">
      <h1>Sign in</h1>
      {note !== undefined && <p role="status">{note}</p>}
      <form
        onSubmit={(event) => {
          event.preventDefault()
          act.start()
        }}
      >
        <label>
          Name
          <input
            ref={first}
            name="name"
            autoComplete="username"
            autoCapitalize="none"
            spellcheck={false}
            required
            value={name}
            onInput={({ currentTarget }) => setName(currentTarget.value)}
          />
        </label>
        <label>
          Password
          <input
            name="password"
            type="password"
            autoComplete="current-password"
            required
            value={password}
            onInput={({ currentTarget }) => setPassword(currentTarget.value)}
          />
        </label>
        <label>
          Code of the second factor, or a recovery code
          <input
            name="code"
            autoComplete="one-time-code"
            autoCapitalize="none"
            spellcheck={false}
            value={code}
            onInput={({ currentTarget }) => setCode(currentTarget.value)}
          />
        </label>
        <Failure refusal={act.failure} />
        <button type="submit" disabled={act.busy}>
          Sign in
        </button>
      </form>
    </main>
  )
}
