import type { ClientView, EnrolmentChange } from '../../core/enrolment/client-view.ts'
import type { RunListing } from '../../core/run/listing.ts'
import type { Participation } from '../../core/run/participation.ts'
import { apiPath } from '../api.ts'
import { countText } from '../format.ts'
import { CertificateEnd, certificateEnded, Fingerprint, Seen, StateBadge, stepWords } from '../parts/client-words.tsx'
import { Approve, Invite, Refuse, Rename, Resume, Revoke, Suspend } from '../parts/enrol.tsx'
import { Holds } from '../parts/holds.tsx'
import { Page, Part, Ready } from '../parts/page.tsx'
import { Facts, Table } from '../parts/table.tsx'
import { Code, Time } from '../parts/words.tsx'
import { linkTo } from '../route.ts'
import { useMay } from '../session.ts'
import { useGet } from '../use.ts'

const EVERY_MS = 5_000

type Props = { readonly id: string }
type Known = { readonly client: ClientView; readonly changes: readonly EnrolmentChange[] }

/** One client: where it stands, what was done to it, how it took part. */
export function ClientPage({ id }: Props) {
  const may = useMay()
  const known = useGet<Known>(apiPath('clients', id), EVERY_MS)
  return (
    <Page title={`Client ${id}`}>
      <p>
        <a href="#/clients">All clients</a>
      </p>
      <Ready of={known}>{(value) => <Enrolled {...value} changed={known.reload} />}</Ready>
      {may('run.read') && <HeldPlans id={id} />}
      {may('run.read') && <Runs id={id} />}
    </Page>
  )
}

function Enrolled({ client, changes, changed }: Known & { readonly changed: () => void }) {
  const may = useMay()
  const { label, state, since, actor, reason, fingerprint, invitedUntil, serial, agent } = client
  return (
    <>
      <Facts
        of={[
          ['Called', label],
          ['State', <StateBadge state={state} />],
          [
            'Since',
            <>
              <Time at={since} />, by {actor}
              {reason !== '' && `: ${reason}`}
            </>,
          ],
          ['Last seen', <Seen client={client} />],
          ['Program', agent === undefined ? '–' : `${agent} (its own word)`],
          ['Certificate until', <CertificateEnd client={client} />],
          ...(serial === undefined ? [] : [['Serial number', <code>{serial}</code>] as const]),
          ...(fingerprint === undefined ? [] : [['Fingerprint', <Fingerprint of={fingerprint} />] as const]),
          ...(invitedUntil === undefined ? [] : [['Its code is good until', <Time at={invitedUntil} />] as const]),
        ]}
      />
      {may('client.write') && (
        <Part title="What can be done">
          <Acts key={`${state} ${since} ${label}`} client={client} changed={changed} />
          {/* Not begun anew with the others: it shows the code that it has made. */}
          {actsOf(client).includes('invite') && <Invite client={client.client} invited={changed} />}
        </Part>
      )}
      <Part title="History">
        <Table
          caption="What was done to its enrolment, the newest first"
          head={['When', 'What', 'By', 'Reason', 'Certificate until']}
          rows={changes.map(({ at, step, actor: by, reason: why, certificateUntil }) => [
            <Time key="at" at={at} />,
            stepWords[step],
            by,
            why || '–',
            certificateUntil === undefined ? '–' : <Time key="until" at={certificateUntil} />,
          ])}
        />
      </Part>
    </>
  )
}

function Acts(props: { readonly client: ClientView; readonly changed: () => void }) {
  const acts = actsOf(props.client)
  return (
    <>
      {acts.includes('approve') && <Approve {...props} />}
      {acts.includes('resume') && <Resume {...props} />}
      {acts.includes('refuse') && <Refuse {...props} />}
      {acts.includes('suspend') && <Suspend {...props} />}
      <Rename {...props} />
      {acts.includes('revoke') && <Revoke {...props} />}
    </>
  )
}

type Act = 'approve' | 'resume' | 'invite' | 'refuse' | 'suspend' | 'revoke'

function actsOf(client: ClientView): readonly Act[] {
  switch (client.state) {
    case 'invited':
      return ['invite', 'refuse', 'revoke']
    case 'pending':
      return ['approve', 'refuse', 'invite', 'revoke']
    case 'active':
      return [...(certificateEnded(client) ? (['approve'] as const) : []), 'suspend', 'revoke']
    case 'suspended':
      return ['resume', 'revoke']
    case 'refused':
      return ['invite', 'revoke']
    case 'revoked':
      return []
  }
}

function HeldPlans({ id }: Props) {
  const runs = useGet<{ runs: readonly RunListing[] }>('/v1/runs', EVERY_MS)
  const holds = (runs.value?.runs ?? []).flatMap(({ run, model, holds: all }) =>
    all.filter(({ client }) => client === id).map((hold) => ({ ...hold, run, model })),
  )
  if (holds.length === 0) return null
  return (
    <Part title="Plans that it holds">
      <Holds holds={holds} caption="Plans that this client holds" />
    </Part>
  )
}

function Runs({ id }: Props) {
  const loaded = useGet<{ runs: readonly Participation[] }>(apiPath('clients', id, 'runs'), 3 * EVERY_MS)
  return (
    <Part title="Runs">
      <Ready of={loaded}>
        {({ runs }) => {
          const refusals = runs.flatMap(({ run, refusals: all }) => all.map((one) => ({ run, ...one })))
          return (
            <>
              <Table
                caption="Runs that it was asked in, the newest first"
                head={['Run', 'Model', 'Started', 'Updates taken', 'Stood out']}
                rows={runs.map(({ run, model, createdAt, asked, accepted, suspect }) => [
                  <a href={linkTo('runs', run)}>{run}</a>,
                  model,
                  <Time key="at" at={createdAt} />,
                  `in ${accepted} of ${countText(asked, 'round')}`,
                  suspect === undefined ? '–' : `in ${suspect.marked} of ${suspect.of}`,
                ])}
                none="It was never asked to take part."
              />
              {refusals.length > 0 && (
                <>
                  <h3>What was refused, or it declined</h3>
                  <Table
                    caption="What was refused of it, or it declined, the newest first"
                    head={['Run', 'Round', 'Why, and what to do']}
                    rows={refusals.map(({ run, round, code, message }) => [
                      <a href={linkTo('runs', run)}>{run}</a>,
                      round,
                      <Code key="code" code={code} message={message} />,
                    ])}
                  />
                </>
              )}
            </>
          )
        }}
      </Ready>
    </Part>
  )
}
