import { useState } from 'preact/hooks'
import type { Session } from '../answers.ts'
import { ask, json } from '../api.ts'
import { useAct } from '../use.ts'
import { ShownOnce } from './once.tsx'
import { Failure } from './page.tsx'
import { QrCode } from './qr.tsx'

type Confirmed = Session & { readonly recoveryCodes: readonly string[] }

type Props = {
  /** Whether there is one already, which a code of it must prove. */
  readonly replaces: boolean
  /** Called once the recovery codes were kept. */
  readonly changed: (session: Session) => void
}

/** Sets up a second factor: a code of the present one, a picture for the telephone, a code of the new one, recovery codes. */
export function SecondFactorForm({ replaces, changed }: Props) {
  const [present, setPresent] = useState('')
  const [code, setCode] = useState('')
  const begin = useAct(async () => {
    const body = replaces ? { code: present.trim() } : {}
    try {
      return (await ask<{ uri: string }>('POST', '/v1/session/second-factor', json(body))).value.uri
    } finally {
      // A code is good for once.
      setPresent('')
    }
  })
  const confirm = useAct(async () => {
    const body = json({ code: code.trim() })
    try {
      return (await ask<Confirmed>('POST', '/v1/session/second-factor/confirm', body)).value
    } finally {
      setCode('')
    }
  })
  if (confirm.done !== undefined) {
    const { recoveryCodes, ...session } = confirm.done
    return <RecoveryCodes codes={recoveryCodes} kept={() => changed(session)} />
  }
  if (begin.done === undefined) {
    return (
      <form
        onSubmit={(event) => {
          event.preventDefault()
          begin.start()
        }}
      >
        <p>
          A program on your telephone makes a code every 30 seconds; with it nobody gets in who only knows the password.
          {replaces && ' The present second factor holds until the new one is confirmed.'}
        </p>
        {replaces && (
          <label>
            A code of the present second factor, or a recovery code
            <input
              name="present"
              autoComplete="one-time-code"
              autoCapitalize="none"
              spellcheck={false}
              required
              value={present}
              onInput={({ currentTarget }) => setPresent(currentTarget.value)}
            />
          </label>
        )}
        <Failure refusal={begin.failure} />
        <button type="submit" disabled={begin.busy}>
          Set up a second factor
        </button>
      </form>
    )
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        confirm.start()
      }}
    >
      <p>Scan this with a program for codes, or type the secret into it:</p>
      <QrCode text={begin.done} label="QR code of the second factor; the secret stands below as text" />
      <p>
        <code class="fingerprint" data-secret="">
          {secretOf(begin.done)}
        </code>
      </p>
      <label>
        The code that it shows
        <input
          name="code"
          autoComplete="one-time-code"
          inputMode="numeric"
          pattern="[0-9 ]{6,8}"
          title="six digits"
          required
          value={code}
          onInput={({ currentTarget }) => setCode(currentTarget.value)}
        />
      </label>
      <Failure refusal={confirm.failure} />
      <button type="submit" disabled={confirm.busy}>
        Confirm
      </button>
    </form>
  )
}

function RecoveryCodes({ codes, kept }: { readonly codes: readonly string[]; readonly kept: () => void }) {
  return (
    <div>
      <p role="status">The second factor is set up.</p>
      <p>Each recovery code is good for one login without the telephone. Keep them where only you find them.</p>
      <ShownOnce name="Recovery codes" value={codes.join('\n')} />
      <button type="button" onClick={kept}>
        I have kept them
      </button>
    </div>
  )
}

/** The secret in groups of four, as it is typed. */
function secretOf(uri: string): string {
  const secret = new URL(uri).searchParams.get('secret') ?? ''
  return secret.replace(/.{4}(?=.)/g, '$& ')
}
