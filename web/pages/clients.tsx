import type { ClientView } from '../../core/enrolment/client-view.ts'
import type { RunListing } from '../../core/run/listing.ts'
import { get, Refusal } from '../api.ts'
import { CertificateEnd, Fingerprint, Seen, StateBadge } from '../parts/client-words.tsx'
import { Approve, Invite, Refuse, RevokeAll } from '../parts/enrol.tsx'
import { type HoldOfRun, Holds } from '../parts/holds.tsx'
import { Page, Part, Ready } from '../parts/page.tsx'
import { Table } from '../parts/table.tsx'
import { Time } from '../parts/words.tsx'
import { linkTo } from '../route.ts'
import { useMay } from '../session.ts'
import { useLoaded } from '../use.ts'

const EVERY_MS = 5_000

type All = { readonly clients: readonly ClientView[] | undefined; readonly runs: readonly RunListing[] }

/** Who belongs to the federation, who asks to, and whose own policy holds a plan. */
export function ClientsPage() {
  const may = useMay()
  const all = useLoaded<All>(
    'clients',
    async () => {
      const [clients, runs] = await Promise.all([enrolled(), may('run.read') ? runsOf() : []])
      return { clients, runs }
    },
    EVERY_MS,
  )
  return (
    <Page title="Clients">
      <Ready of={all}>
        {({ clients, runs }) => {
          const holds = holdsIn(runs)
          return (
            <>
              {clients !== undefined && (
                <>
                  <Queue clients={clients} changed={all.reload} />
                  <List clients={clients} holds={holds} />
                  {may('client.write') && <Invite invited={all.reload} />}
                  {may('client.write') && clients.length > 0 && (
                    <RevokeAll clients={clients.length} changed={all.reload} />
                  )}
                </>
              )}
              {clients === undefined && (
                <p>
                  This coordinator has no authority: its clients are listed by hand, with{' '}
                  <code>parley clients add</code>. With <code>parley init</code> clients join by invitation.
                </p>
              )}
              {holds.length > 0 && (
                <Part title="Plans that wait for a person at a client">
                  <Holds holds={holds} caption="Plans that are held, by client" />
                </Part>
              )}
            </>
          )
        }}
      </Ready>
    </Page>
  )
}

/** Undefined where clients do not enrol, but are listed by hand. */
async function enrolled(): Promise<readonly ClientView[] | undefined> {
  try {
    return (await get<{ clients: readonly ClientView[] }>('/v1/clients')).clients
  } catch (failure) {
    if (failure instanceof Refusal && failure.code === 'object.not-found') return undefined
    throw failure
  }
}

async function runsOf(): Promise<readonly RunListing[]> {
  return (await get<{ runs: readonly RunListing[] }>('/v1/runs')).runs
}

function holdsIn(runs: readonly RunListing[]): readonly HoldOfRun[] {
  return runs.flatMap(({ run, model, holds }) => holds.map((hold) => ({ ...hold, run, model })))
}

function Queue({ clients, changed }: { readonly clients: readonly ClientView[]; readonly changed: () => void }) {
  const may = useMay()
  const waiting = clients.filter(({ state }) => state === 'pending')
  if (waiting.length === 0) return null
  return (
    <Part title="Waiting to be let in">
      <p>
        Have each read its fingerprint out to you, over a channel that you trust, and compare all of it with the one
        that stands here.
      </p>
      <ul class="cards wide">
        {waiting.map((client) => (
          <li key={`${client.client} ${client.since}`}>
            <a href={linkTo('clients', client.client)}>{client.client}</a>
            {client.label !== client.client && ` (${client.label})`}
            <p>
              <Fingerprint of={client.fingerprint ?? ''} />
            </p>
            <p class="muted">
              It asked <Time at={client.since} />.
            </p>
            {may('client.write') && (
              <>
                <Approve client={client} changed={changed} />
                <Refuse client={client} changed={changed} />
              </>
            )}
          </li>
        ))}
      </ul>
    </Part>
  )
}

function List({ clients, holds }: { readonly clients: readonly ClientView[]; readonly holds: readonly HoldOfRun[] }) {
  return (
    <Part title="All clients">
      <Table
        caption="Clients of the federation"
        head={['Client', 'State', 'Last seen', 'Certificate until', 'Held plans', 'Program']}
        rows={clients.map((client) => [
          <>
            <a href={linkTo('clients', client.client)}>{client.client}</a>
            {client.label !== client.client && <span class="hint">{client.label}</span>}
          </>,
          <StateBadge key="state" state={client.state} />,
          <Seen key="seen" client={client} />,
          <CertificateEnd key="end" client={client} />,
          holds.filter((hold) => hold.client === client.client).length || '–',
          client.agent ?? '–',
        ])}
        none="Nobody was invited yet."
      />
    </Part>
  )
}
