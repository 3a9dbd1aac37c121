import { useState } from 'preact/hooks'
import type { ClientView } from '../../core/enrolment/client-view.ts'
import type { DoneOrWaiting } from '../answers.ts'
import { type Answer, apiPath, ask, json } from '../api.ts'
import { ActForm } from './act.tsx'
import { ShownOnce } from './once.tsx'
import { outcomeText } from './promote.tsx'
import { ReasonForm } from './reason.tsx'
import { Time } from './words.tsx'

type Invited = {
  readonly client: string
  readonly code: string
  readonly authority: string | null
  readonly expiresAt: string
}

/** Longest reason that is taken. */
const MOST = 2_000

/** Gives a new client, or one that has not come yet, a code. */
export function Invite({ client, invited }: { readonly client?: string; readonly invited: () => void }) {
  const [name, setName] = useState(client ?? '')
  const [label, setLabel] = useState('')
  const [lifetime, setLifetime] = useState('72h')
  return (
    <ActForm
      title={client === undefined ? 'Invite a client' : 'Invite it anew'}
      explanation={
        client === undefined
          ? 'The institution gets a code that is good once. With it, it asks to be let in; you compare its fingerprint then.'
          : 'It gets another code. The one before is good no more, and what it has asked is forgotten.'
      }
      act={async () => {
        const body = { client: name.trim(), lifetime, ...(label.trim() === '' ? {} : { label: label.trim() }) }
        const { value } = await ask<Invited>('POST', '/v1/clients', json(body))
        invited()
        return value
      }}
      done={(value) => <Invitation of={value} />}
    >
      {client === undefined && (
        <label>
          Id of the client
          <input
            name="client"
            required
            pattern="[A-Za-z0-9._\-]{1,100}"
            title="letters, digits, dots, dashes and underscores"
            autoCapitalize="none"
            spellcheck={false}
            value={name}
            onInput={({ currentTarget }) => setName(currentTarget.value)}
          />
        </label>
      )}
      {client === undefined && (
        <label>
          What people call it (may be left out)
          <input
            name="label"
            maxLength={200}
            value={label}
            onInput={({ currentTarget }) => setLabel(currentTarget.value)}
          />
        </label>
      )}
      <label>
        The code is good for
        <select value={lifetime} onChange={({ currentTarget }) => setLifetime(currentTarget.value)}>
          <option value="4h">4 hours</option>
          <option value="24h">a day</option>
          <option value="72h">three days</option>
          <option value="168h">a week</option>
        </select>
      </label>
    </ActForm>
  )
}

function Invitation({ of: { client, code, authority, expiresAt } }: { readonly of: Invited }) {
  return (
    <div class="act">
      <ShownOnce name={`Code for ${client}`} value={code} />
      <ol>
        <li>
          Hand it to {client} where nobody else reads. It is good once, until <Time at={expiresAt} />.
        </li>
        {authority !== null && (
          <li>
            If they ask, SHA-256 of this coordinator’s authority is <code class="long">{authority}</code>
          </li>
        )}
        <li>
          There: <code>parley client join CODE</code>. It makes the key there, and prints a fingerprint.
        </li>
        <li>
          They read the fingerprint out to you, over the telephone for instance. It stands here once they have asked.
        </li>
      </ol>
    </div>
  )
}

type Change = { readonly client: ClientView; readonly changed: () => void }

async function act(client: string, verb: string, body: object, changed: () => void): Promise<Answer<DoneOrWaiting>> {
  const answer = await ask<DoneOrWaiting>('POST', apiPath('clients', client, verb), json(body))
  changed()
  return answer
}

/** Lets a client in, or lets it renew, whose fingerprint somebody has compared. */
export function Approve({ client: { client, state, fingerprint = '' }, changed }: Change) {
  const [compared, setCompared] = useState(false)
  return (
    <ActForm
      title={state === 'pending' ? `Let ${client} in` : 'Let it renew its certificate'}
      explanation={
        state === 'pending'
          ? 'It may take part in runs from then on. Whoever has the code could have asked; the fingerprint decides who it was.'
          : 'Its certificate has ended. It may renew it once more, within three days.'
      }
      act={() => act(client, 'approve', { fingerprint }, changed)}
      done={() => 'Done.'}
    >
      <label class="beside">
        <input
          type="checkbox"
          required
          checked={compared}
          onChange={({ currentTarget }) => setCompared(currentTarget.checked)}
        />
        <span>
          They read this fingerprint out to me: <code class="fingerprint">{fingerprint}</code>
        </span>
      </label>
    </ActForm>
  )
}

export function Refuse({ client: { client }, changed }: Change) {
  return (
    <ReasonForm
      title={`Refuse ${client}`}
      explanation="It is not let in, and its code is good no more. It may be invited again."
      most={MOST}
      act={(reason) => act(client, 'refuse', { reason }, changed)}
      done={() => 'Done.'}
    />
  )
}

export function Suspend({ client: { client }, changed }: Change) {
  return (
    <ReasonForm
      title="Suspend it"
      explanation="Its session ends at once, in the middle of an upload too, and no round waits for it. Updates that were accepted stay in their round. It can be let in again."
      most={MOST}
      act={(reason) => act(client, 'suspend', { reason }, changed)}
      done={() => 'Done.'}
    />
  )
}

export function Resume({ client: { client }, changed }: Change) {
  return (
    <ActForm
      title="Let it in again"
      explanation="It may take part in runs again, with the key and the certificate that it has."
      act={() => act(client, 'resume', {}, changed)}
      done={() => 'Done.'}
    />
  )
}

/** For the day on which the key of the authority is not the coordinator's alone. */
export function RevokeAll({ clients, changed }: { readonly clients: number; readonly changed: () => void }) {
  return (
    <ReasonForm
      title="Revoke all clients for ever"
      explanation={`All sessions end at once, and no round waits for anybody. None of the ${clients} ids and keys can ever come back: every institution must be invited anew. It is for the day on which somebody else has the key of the authority.`}
      most={MOST}
      act={async (reason) => {
        const answer = await ask<DoneOrWaiting>('POST', apiPath('clients', 'revoke-all'), json({ reason }))
        changed()
        return answer
      }}
      done={outcomeText}
    />
  )
}

/** For ever: what it does stands above the field for the reason. */
export function Revoke({ client: { client, connected }, changed }: Change) {
  const [sure, setSure] = useState('')
  const [reason, setReason] = useState('')
  return (
    <ActForm
      title="Revoke it for ever"
      explanation={
        <>
          {connected
            ? 'It is connected now: its session ends at once'
            : 'It has no session now, and gets none any more'}
          , and no round waits for it. Updates that were accepted stay in their round, and versions stay as they are.
          Neither the id {client} nor its key can ever come back: the institution must be invited under another id, with
          another key. To keep it out for a time, suspend it.
        </>
      }
      act={() => act(client, 'revoke', { reason: reason.trim() }, changed)}
      done={outcomeText}
    >
      <label>
        Reason, for the record
        <input
          name="reason"
          required
          maxLength={MOST}
          pattern=".*\S.*"
          value={reason}
          onInput={({ currentTarget }) => setReason(currentTarget.value)}
        />
      </label>
      <label>
        Its id, to be sure
        <input
          name="sure"
          required
          autoComplete="off"
          autoCapitalize="none"
          spellcheck={false}
          pattern={client.replaceAll('.', '\\.')}
          title={client}
          value={sure}
          onInput={({ currentTarget }) => setSure(currentTarget.value)}
        />
      </label>
    </ActForm>
  )
}

export function Rename({ client: { client, label: present }, changed }: Change) {
  const [label, setLabel] = useState(present)
  return (
    <ActForm
      title="Rename it"
      explanation={`People will call it so; its id stays ${client}.`}
      act={() => act(client, 'rename', { label: label.trim() }, changed)}
      done={() => 'Done.'}
    >
      <label>
        What people call it
        <input
          name="label"
          required
          maxLength={200}
          pattern=".*\S.*"
          value={label}
          onInput={({ currentTarget }) => setLabel(currentTarget.value)}
        />
      </label>
    </ActForm>
  )
}
