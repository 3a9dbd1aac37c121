import { useContext } from 'preact/hooks'
import type { RunListing } from '../../core/run/listing.ts'
import type { ModelSummary, RequestView } from '../answers.ts'
import { apiPath, ask, json } from '../api.ts'
import { aliasesText } from '../parts/alias-text.ts'
import { links } from '../parts/link.ts'
import { Failure, Page, Part, Ready } from '../parts/page.tsx'
import { Table } from '../parts/table.tsx'
import { Badge, runTone, runWord, Time } from '../parts/words.tsx'
import { linkTo } from '../route.ts'
import { SessionContext, useMay } from '../session.ts'
import { useAct, useFollowed, useGet } from '../use.ts'

const EVERY_MS = 5_000
/** Runs that are over, the newest ones. */
const SHOWN_RUNS = 20

export function OverviewPage() {
  const may = useMay()
  return (
    <Page title="Overview">
      {may('run.read') && <Runs />}
      {may('request.read') && <Requests />}
      <Models />
    </Page>
  )
}

function Runs() {
  const runs = useFollowed('/v1/runs/events', merged)
  return (
    <>
      <p class={runs.link === 'lost' ? 'link lost' : 'link'} data-link={runs.link}>
        {runs.failure === undefined && links[runs.link]}
      </p>
      <Ready of={runs}>{(all) => <Listed all={all} />}</Ready>
    </>
  )
}

/** The newest first, each as it was told of last. */
function merged(
  before: readonly RunListing[] = [],
  { runs }: { readonly runs: readonly RunListing[] },
): readonly RunListing[] {
  const changed = new Set(runs.map(({ run }) => run))
  return [...runs, ...before.filter(({ run }) => !changed.has(run))].sort((a, b) =>
    a.createdAt < b.createdAt ? 1 : -1,
  )
}

function Listed({ all }: { readonly all: readonly RunListing[] }) {
  const active = all.filter(({ phase }) => phase !== 'over')
  const over = all.filter(({ phase }) => phase === 'over')
  return (
    <>
      <Part title="Active runs">
        {active.length === 0 && <p class="muted">No run is active.</p>}
        <ul class="cards">
          {active.map((view) => (
            <li key={view.run}>
              <a href={linkTo('runs', view.run)}>{view.model}</a> <Badge tone={runTone(view)}>{runWord(view)}</Badge>
              <p>
                Round {view.round} of {view.rounds}
                {view.engaged.clients > 0 && `, ${view.engaged.answered} of ${view.engaged.clients} clients are done`}
              </p>
              <progress max={view.rounds} value={view.completed} aria-label={`Rounds of ${view.run} that are over`} />
              {view.holds.length > 0 && (
                <p>
                  <Badge tone="warn">{`held by ${view.holds.map(({ client }) => client).join(', ')}`}</Badge>
                </p>
              )}
              <p class="muted">{view.run}</p>
            </li>
          ))}
        </ul>
      </Part>
      <Part title="Runs that are over">
        <Table
          caption="Runs that are over, the newest first"
          head={['Run', 'Model', 'Result', 'Rounds', 'Started']}
          rows={over
            .slice(0, SHOWN_RUNS)
            .map((view) => [
              <a href={linkTo('runs', view.run)}>{view.run}</a>,
              view.model,
              <Badge tone={runTone(view)}>{runWord(view)}</Badge>,
              `${view.completed} of ${view.rounds}`,
              <Time at={view.createdAt} />,
            ])}
          none="No run is over."
        />
        {over.length > SHOWN_RUNS && <p class="muted">{over.length - SHOWN_RUNS} older ones are not shown.</p>}
      </Part>
    </>
  )
}

function Requests() {
  const requests = useGet<{ requests: readonly RequestView[] }>('/v1/requests', EVERY_MS)
  return (
    <Part title="Waiting for a second person">
      <Ready of={requests}>
        {({ requests: all }) => {
          const waiting = all.filter(({ state }) => state === 'pending')
          if (waiting.length === 0) return <p class="muted">Nothing waits.</p>
          return (
            <ul class="cards">
              {waiting.map((request) => (
                <Request key={request.id} request={request} changed={requests.reload} />
              ))}
            </ul>
          )
        }}
      </Ready>
    </Part>
  )
}

function Request({ request, changed }: { readonly request: RequestView; readonly changed: () => void }) {
  const may = useMay()
  const { member } = useContext(SessionContext)
  const own = request.requestedBy === member?.id
  const path = apiPath('requests', request.id)
  const confirm = useAct(() => ask('POST', `${path}/confirm`, json({ digest: request.digest })), changed)
  const refuse = useAct(() => ask('POST', `${path}/refuse`, json({})), changed)
  return (
    <li>
      <strong>{request.act}</strong> <span class="muted">{request.id}</span>
      <p>
        By {own ? 'you' : request.requestedBy}, <Time at={request.requestedAt} />; it waits until{' '}
        <Time at={request.expiresAt} />.
      </p>
      {request.body !== undefined && <pre class="body">{bodyText(request.body)}</pre>}
      <Failure refusal={confirm.failure ?? refuse.failure} />
      {may('request.decide') && (
        <p class="buttons">
          {!own && request.body !== undefined && (
            <button type="button" class="strong" disabled={confirm.busy} onClick={confirm.start}>
              Confirm {request.act}
            </button>
          )}
          <button type="button" class="quiet" disabled={refuse.busy} onClick={refuse.start}>
            {own ? 'Take back' : 'Refuse'}
          </button>
        </p>
      )}
      {request.body === undefined && (
        <p class="muted">
          It is too long to be shown here: <code>parley request show {request.id}</code>
        </p>
      )}
    </li>
  )
}

/** What is asked for; a plan as it was written. */
function bodyText(body: unknown): string {
  if (typeof body === 'object' && body !== null && 'plan' in body && typeof body.plan === 'string') return body.plan
  return JSON.stringify(body, null, 2)
}

function Models() {
  const models = useGet<{ models: readonly ModelSummary[] }>('/v1/models', 3 * EVERY_MS)
  return (
    <Part title="Versions in use">
      <Ready of={models}>
        {({ models: all }) => (
          <Table
            caption="Models, their newest versions and aliases"
            head={['Model', 'Newest version', 'Aliases']}
            rows={all.map(({ model, versions, aliases }) => [
              <a href={linkTo('models', model)}>{model}</a>,
              <a href={linkTo('models', model, versions)}>v{versions}</a>,
              aliasesText(aliases),
            ])}
            none="Nothing has been published yet."
          />
        )}
      </Ready>
    </Part>
  )
}
