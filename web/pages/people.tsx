import { useState } from 'preact/hooks'
import type { InitialPassword, Member, RequestView } from '../answers.ts'
import { ask, json } from '../api.ts'
import { ActForm } from '../parts/act.tsx'
import { ShownOnce } from '../parts/once.tsx'
import { Page, Ready } from '../parts/page.tsx'
import { givenRoles, roleWords } from '../parts/roles.ts'
import { Table } from '../parts/table.tsx'
import { Choices } from '../parts/tokens.tsx'
import { Badge, Time } from '../parts/words.tsx'
import { linkTo } from '../route.ts'
import { useMay } from '../session.ts'
import { useGet } from '../use.ts'

/** Who has an account. */
export function PeoplePage() {
  const may = useMay()
  const members = useGet<{ members: readonly Member[] }>('/v1/members')
  return (
    <Page title="People">
      <Ready of={members}>
        {({ members: all }) => (
          <Table
            caption="Members, by name"
            head={['Name', 'Roles', 'State', 'Second factor', 'Since']}
            rows={all.map((member) => [
              <a href={linkTo('people', member.id)}>{member.name}</a>,
              member.grants
                .filter(({ active }) => active)
                .map(({ role }) => role)
                .join(', ') || 'none',
              <MemberState key="state" of={member} />,
              member.secondFactor ? 'set up' : 'not set up',
              <Time key="since" at={member.createdAt} />,
            ])}
            none="Nobody has an account."
          />
        )}
      </Ready>
      {may('member.write') && <Add added={members.reload} />}
    </Page>
  )
}

export function MemberState({ of: { disabled, initialPasswordUntil } }: { readonly of: Member }) {
  if (disabled) return <Badge tone="bad">disabled</Badge>
  if (initialPasswordUntil !== undefined) return <Badge tone="warn">not set up yet</Badge>
  return <Badge tone="good">active</Badge>
}

type Added = { readonly member: Member; readonly initial: InitialPassword; readonly request?: RequestView }

function Add({ added }: { readonly added: () => void }) {
  const [name, setName] = useState('')
  const [roles, setRoles] = useState<readonly string[]>([])
  return (
    <ActForm
      title="Add a person"
      explanation="They get a password for their first login, and set up one of their own and a second factor then. To make somebody an admin may take a second person."
      act={async () => {
        const body = json({ name: name.trim(), roles: roles.map((role) => ({ role })) })
        const { value } = await ask<Added>('POST', '/v1/members', body)
        added()
        return value
      }}
      done={({ member, initial, request }) => (
        <div class="act">
          <Initial name={member.name} initial={initial} />
          {request !== undefined && (
            <p>The role of an admin waits for a second person, as {request.id}; the overview shows it.</p>
          )}
        </div>
      )}
    >
      <label>
        Name, as it is used to sign in
        <input
          name="member"
          required
          maxLength={64}
          autoComplete="off"
          autoCapitalize="none"
          spellcheck={false}
          value={name}
          onInput={({ currentTarget }) => setName(currentTarget.value)}
        />
      </label>
      <Choices legend="Roles" of={givenRoles} words={roleWords} chosen={roles} choose={setRoles} />
    </ActForm>
  )
}

/** A password for the first login, and what to tell whom it is for. */
export function Initial({ name, initial }: { readonly name: string; readonly initial: InitialPassword }) {
  return (
    <>
      <ShownOnce name={`First password of ${name}`} value={initial.password} />
      <p>
        Hand it to {name} where nobody else reads. It is good until <Time at={initial.until} />, and for nothing but
        setting another one: here in the browser, or with <code>parley member setup {name}</code>.
      </p>
    </>
  )
}
