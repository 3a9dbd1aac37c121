import { useContext, useState } from 'preact/hooks'
import type { DoneOrWaiting, InitialPassword, Member } from '../answers.ts'
import { apiPath, ask, json } from '../api.ts'
import { ActForm } from '../parts/act.tsx'
import { Failure, Page, Part, Ready } from '../parts/page.tsx'
import { outcomeText } from '../parts/promote.tsx'
import { givenRoles, roleWords } from '../parts/roles.ts'
import { Facts, Table } from '../parts/table.tsx'
import { Tokens } from '../parts/tokens.tsx'
import { Badge, Time } from '../parts/words.tsx'
import { SessionContext, useMay } from '../session.ts'
import { useAct, useGet } from '../use.ts'
import { Initial, MemberState } from './people.tsx'

type Props = { readonly member: Member; readonly changed: () => void }

/** A member: its roles, what guards its account, its tokens. */
export function MemberPage({ id }: { readonly id: string }) {
  const may = useMay()
  const loaded = useGet<Member>(apiPath('members', id))
  return (
    <Page title={`Member ${loaded.value?.name ?? id}`}>
      <p>
        <a href="#/people">All people</a>
      </p>
      <Ready of={loaded}>{(member) => <Shown member={member} changed={loaded.reload} />}</Ready>
      <Part title="Tokens">
        <Tokens path={apiPath('members', id, 'tokens')} mayRevoke={may('member.write')} mayCreate={false} />
      </Part>
    </Page>
  )
}

function Shown({ member, changed }: Props) {
  const may = useMay()
  const own = useContext(SessionContext).member?.id === member.id
  return (
    <>
      <Facts
        of={[
          ['Name', member.name],
          ['Id', <code>{member.id}</code>],
          ['State', <MemberState of={member} />],
          ['Second factor', member.secondFactor ? 'set up' : 'not set up'],
          ['Recovery codes left', member.recoveryCodesLeft],
          ['Since', <Time at={member.createdAt} />],
        ]}
      />
      <Part title="Roles">
        <Table
          caption={`Roles of ${member.name}`}
          head={['Role', 'For', 'Since', 'By', 'Until', 'State']}
          rows={member.grants.map(({ role, at, by, until, active }) => [
            role,
            Object.entries(roleWords).find(([name]) => name === role)?.[1] ?? '',
            <Time key="at" at={at} />,
            by,
            until === undefined ? 'it is taken away' : <Time key="until" at={until} />,
            active ? (
              may('member.write') && <TakeAway key={role} id={member.id} role={role} changed={changed} />
            ) : (
              <Badge key="over" tone="plain">
                over
              </Badge>
            ),
          ])}
          none="It has no role."
        />
        {may('member.write') && !own && <Give member={member} changed={changed} />}
      </Part>
      {may('member.write') && (
        <Part title="What can be done">
          {own ? <p>Nobody gives themselves a role, nor resets what guards their own account this way.</p> : null}
          <Able key={String(member.disabled)} member={member} changed={changed} own={own} />
          {!own && <Resets member={member} changed={changed} />}
        </Part>
      )}
    </>
  )
}

function TakeAway({ id, role, changed }: { readonly id: string; readonly role: string; readonly changed: () => void }) {
  const act = useAct(() => ask('DELETE', apiPath('members', id, 'roles', role)), changed)
  return (
    <>
      <button type="button" class="quiet" aria-label={`Take away ${role}`} disabled={act.busy} onClick={act.start}>
        Take away
      </button>
      <Failure refusal={act.failure} />
    </>
  )
}

function Give({ member, changed }: Props) {
  const [role, setRole] = useState<string>('viewer')
  const [until, setUntil] = useState('')
  return (
    <ActForm
      key={member.grants.map((grant) => `${grant.role} ${grant.until}`).join()}
      title="Give a role"
      explanation="A role that the member has already gets another end. The role of an admin may take a second person."
      act={async () => {
        const end = until === '' ? {} : { until: new Date(`${until}T23:59:59.000Z`).toISOString() }
        const answer = await ask<DoneOrWaiting>('PUT', apiPath('members', member.id, 'roles', role), json(end))
        changed()
        return answer
      }}
      done={outcomeText}
    >
      <label>
        Role
        <select value={role} onChange={({ currentTarget }) => setRole(currentTarget.value)}>
          {givenRoles.map((one) => (
            <option key={one} value={one}>
              {one}: {roleWords[one]}
            </option>
          ))}
        </select>
      </label>
      <label>
        Until the end of this day, UTC (may be left out)
        <input type="date" value={until} onInput={({ currentTarget }) => setUntil(currentTarget.value)} />
      </label>
    </ActForm>
  )
}

function Able({ member: { id, disabled }, changed, own }: Props & { readonly own: boolean }) {
  if (disabled && own) return null
  return (
    <ActForm
      title={disabled ? 'Enable it again' : 'Disable it'}
      explanation={
        disabled
          ? 'It may sign in again, with the roles that it has.'
          : 'From the next request on it may do nothing: its sessions end, and its tokens are refused. It can be enabled again.'
      }
      act={async () => {
        await ask('POST', apiPath('members', id, disabled ? 'enable' : 'disable'), json({}))
        changed()
      }}
      done={() => 'Done.'}
    />
  )
}

function Resets({ member: { id, name }, changed }: Props) {
  return (
    <>
      <ActForm
        title="Reset the password"
        explanation="All of its sessions end, and its tokens do nothing until it has set a password of its own again."
        act={async () => {
          const path = apiPath('members', id, 'reset-password')
          const { value } = await ask<{ initial: InitialPassword }>('POST', path, json({}))
          changed()
          return value.initial
        }}
        done={(initial) => (
          <div class="act">
            <Initial name={name} initial={initial} />
          </div>
        )}
      />
      <ActForm
        title="Reset the second factor"
        explanation="All of its sessions end, its recovery codes are good no more, and it sets up another second factor at its next login. Make sure who asks for this: with the password alone, whoever signs in next sets it up."
        act={async () => {
          await ask('POST', apiPath('members', id, 'reset-second-factor'), json({}))
          changed()
        }}
        done={() => 'Done.'}
      />
    </>
  )
}
