import { useContext, useState } from 'preact/hooks'
import type { TokenView } from '../answers.ts'
import { ask, coordinatorNow, json } from '../api.ts'
import { SessionContext } from '../session.ts'
import { useAct, useGet } from '../use.ts'
import { ActForm } from './act.tsx'
import { ShownOnce } from './once.tsx'
import { Failure, Ready } from './page.tsx'
import { Table } from './table.tsx'
import { Badge, Time } from './words.tsx'

/** What no token may do. */
const personal: readonly string[] = ['self.write', 'token.create']
const DAY_MS = 86_400_000

/** One's own tokens, or those of a member. */
export function Tokens({ path, mayRevoke, mayCreate }: { path: string; mayRevoke: boolean; mayCreate: boolean }) {
  const loaded = useGet<{ tokens: readonly TokenView[] }>(path)
  return (
    <>
      <Ready of={loaded}>
        {({ tokens }) => (
          <Table
            caption="Tokens of programs, the newest first"
            head={['Token', 'Scopes', 'Made', 'Ends', 'Used last', 'State']}
            rows={tokens
              .toReversed()
              .map((token) => [
                token.label,
                token.scopes.join(', '),
                <Time key="made" at={token.createdAt} />,
                <Time key="ends" at={token.expiresAt} />,
                token.lastUsedAt === undefined ? 'never' : <Time key="used" at={token.lastUsedAt} />,
                <TokenState key={token.id} token={token} path={path} mayRevoke={mayRevoke} changed={loaded.reload} />,
              ])}
            none="There is no token."
          />
        )}
      </Ready>
      {mayCreate && <NewToken made={loaded.reload} />}
    </>
  )
}

type StateProps = {
  readonly token: TokenView
  readonly path: string
  readonly mayRevoke: boolean
  readonly changed: () => void
}

function TokenState({ token: { id, label, expiresAt, revokedAt }, path, mayRevoke, changed }: StateProps) {
  const revoke = useAct(() => ask('DELETE', `${path}/${encodeURIComponent(id)}`), changed)
  if (revokedAt !== undefined) return <Badge tone="bad">revoked</Badge>
  if (Date.parse(expiresAt) <= coordinatorNow()) return <Badge tone="plain">over</Badge>
  return (
    <>
      <Badge tone="good">good</Badge>{' '}
      {mayRevoke && (
        <button
          type="button"
          class="quiet"
          aria-label={`Revoke ${label}`}
          disabled={revoke.busy}
          onClick={revoke.start}
        >
          Revoke
        </button>
      )}
      <Failure refusal={revoke.failure} />
    </>
  )
}

function NewToken({ made }: { readonly made: () => void }) {
  const { permissions } = useContext(SessionContext)
  const scopes = permissions.filter((one) => !personal.includes(one))
  const [label, setLabel] = useState('')
  const [chosen, setChosen] = useState<readonly string[]>([])
  const [days, setDays] = useState('30')
  return (
    <ActForm
      title="Make a token"
      explanation="A program that bears it may do what is in its scopes, as far as you may do it yourself then."
      act={async () => {
        const expiresAt = new Date(coordinatorNow() + Number(days) * DAY_MS).toISOString()
        const body = json({ label: label.trim(), scopes: chosen, expiresAt })
        const { value } = await ask<{ token: string }>('POST', '/v1/tokens', body)
        made()
        return value.token
      }}
      done={(token) => (
        <div class="act">
          <ShownOnce name={`Token ${label.trim()}`} value={token} />
          <p>
            Put it into a file that only the program can read, and give it with <code>--token-file</code>, or as{' '}
            <code>Authorization: Bearer</code>.
          </p>
        </div>
      )}
    >
      <label>
        What it is for
        <input
          name="label"
          required
          maxLength={100}
          pattern=".*\S.*"
          value={label}
          onInput={({ currentTarget }) => setLabel(currentTarget.value)}
        />
      </label>
      <Choices legend="Scopes: what it may do" of={scopes} chosen={chosen} choose={setChosen} />
      <label>
        It ends in
        <select value={days} onChange={({ currentTarget }) => setDays(currentTarget.value)}>
          <option value="7">a week</option>
          <option value="30">30 days</option>
          <option value="90">90 days</option>
          <option value="365">a year</option>
        </select>
      </label>
    </ActForm>
  )
}

type ChoicesProps = {
  readonly legend: string
  readonly of: readonly string[]
  readonly chosen: readonly string[]
  readonly choose: (chosen: readonly string[]) => void
  readonly words?: Readonly<Record<string, string>>
}

/** Words of which several may be chosen. */
export function Choices({ legend, of, chosen, choose, words = {} }: ChoicesProps) {
  return (
    <fieldset>
      <legend>{legend}</legend>
      {of.map((one) => (
        <label key={one} class="beside">
          <input
            type="checkbox"
            checked={chosen.includes(one)}
            onChange={({ currentTarget }) =>
              choose(currentTarget.checked ? [...chosen, one] : chosen.filter((other) => other !== one))
            }
          />
          <span>
            {one}
            {words[one] !== undefined && <span class="muted"> {words[one]}</span>}
          </span>
        </label>
      ))}
    </fieldset>
  )
}
