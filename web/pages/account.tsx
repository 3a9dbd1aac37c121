import { useContext, useState } from 'preact/hooks'
import type { Session } from '../answers.ts'
import { ask } from '../api.ts'
import { Failure, Page, Part } from '../parts/page.tsx'
import { PasswordForm } from '../parts/password.tsx'
import { SecondFactorForm } from '../parts/second-factor.tsx'
import { Facts } from '../parts/table.tsx'
import { Tokens } from '../parts/tokens.tsx'
import { Badge, Time } from '../parts/words.tsx'
import { SessionActions, SessionContext, useMay } from '../session.ts'
import { useAct } from '../use.ts'

/** One's own account. */
export function AccountPage() {
  const session = useContext(SessionContext)
  const { changed, ended } = useContext(SessionActions)
  const may = useMay()
  const [again, setAgain] = useState(0)
  const out = useAct(() => ask('DELETE', '/v1/sessions'), ended)
  const { member } = session
  if (member === undefined) return <Page title="Your account">The key of the machine’s owner has none.</Page>
  return (
    <Page title="Your account">
      <Facts
        of={[
          ['Name', member.name],
          ['Id', <code>{member.id}</code>],
          ['Roles', rolesText(member)],
          ['Since', <Time at={member.createdAt} />],
          [
            'Second factor',
            member.secondFactor ? <Badge tone="good">set up</Badge> : <Badge tone="warn">not set up</Badge>,
          ],
          ['Recovery codes left', member.recoveryCodesLeft],
        ]}
      />
      <Part title="Password">
        <PasswordForm changed={changed} />
      </Part>
      <Part title="Second factor">
        <SecondFactorForm
          key={again}
          replaces={member.secondFactor}
          changed={(next) => {
            changed(next)
            setAgain(again + 1)
          }}
        />
      </Part>
      <Part title="Tokens of your programs">
        <Tokens path="/v1/tokens" mayRevoke={may('self.write')} mayCreate={may('token.create')} />
      </Part>
      <Part title="Sessions">
        <p>Signs you out here and in every other browser.</p>
        <Failure refusal={out.failure} />
        <button type="button" class="quiet" disabled={out.busy} onClick={out.start}>
          Sign out everywhere
        </button>
      </Part>
    </Page>
  )
}

function rolesText({ grants }: NonNullable<Session['member']>): string {
  return (
    grants
      .filter(({ active }) => active)
      .map(({ role }) => role)
      .join(', ') || 'none'
  )
}

/** What must be done before anything else: first the password, which somebody else knows, then the second factor. */
export function SetUpPage() {
  const { todo, member } = useContext(SessionContext)
  const { changed } = useContext(SessionActions)
  const [first] = todo
  return (
    <Page title="Set up your account">
      <p>
        {todo.length === 1 ? 'One thing is' : 'Two things are'} to be done before you may do anything else here:{' '}
        {todo.map((one) => words[one]).join(', then ')}.
      </p>
      {first === 'password' && (
        <Part title="Your own password">
          <PasswordForm changed={changed} />
        </Part>
      )}
      {first === 'second-factor' && (
        <Part title="A second factor">
          <SecondFactorForm replaces={member?.secondFactor === true} changed={changed} />
        </Part>
      )}
    </Page>
  )
}

const words = {
  password: 'a password that nobody else knows',
  'second-factor': 'a second factor',
} as const
