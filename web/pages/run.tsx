import { useEffect, useState } from 'preact/hooks'
import { holdsOf } from '../../core/run/listing.ts'
import type { PrivacyView, RecordsView, RunView } from '../../core/run/view.ts'
import { apiPath, ask, json, type Refusal } from '../api.ts'
import { follow, type LinkState } from '../follow.ts'
import { countText, durationText, figure } from '../format.ts'
import { Cohort } from '../parts/cohort.tsx'
import { Curves } from '../parts/curves.tsx'
import { Gates } from '../parts/gates.tsx'
import { Holds } from '../parts/holds.tsx'
import { links } from '../parts/link.ts'
import { Failure, Page, Part } from '../parts/page.tsx'
import { ReasonForm } from '../parts/reason.tsx'
import { Robustness } from '../parts/robustness.tsx'
import { Rounds } from '../parts/rounds.tsx'
import { Facts } from '../parts/table.tsx'
import { Badge, Code, Digest, runTone, runWord, Time } from '../parts/words.tsx'
import { linkTo } from '../route.ts'
import { progressText } from '../run-text.ts'
import { useMay } from '../session.ts'
import { useNow } from '../use.ts'

/** A run, live. */
export function RunPage({ run }: { readonly run: string }) {
  const [view, setView] = useState<RunView>()
  const [link, setLink] = useState<LinkState>('connecting')
  const [failure, setFailure] = useState<Refusal>()
  useEffect(
    () =>
      follow<RunView>(apiPath('runs', run, 'events'), {
        take: setView,
        say: setLink,
        fail: setFailure,
        isLast: ({ phase }) => phase === 'over',
      }),
    [run],
  )
  return (
    <Page title={`Run ${run}`}>
      <Failure refusal={failure} />
      <p class={link === 'lost' ? 'link lost' : 'link'} data-link={link}>
        {failure === undefined && links[link]}
      </p>
      <p class="unseen" role="status">
        {view !== undefined && progressText(view)}
      </p>
      {view !== undefined && <Run view={view} />}
    </Page>
  )
}

function Run({ view }: { readonly view: RunView }) {
  const may = useMay()
  const over = view.phase === 'over'
  const holds = holdsOf(view).map((hold) => ({ ...hold, run: view.run, model: view.model }))
  return (
    <>
      <Standing view={view} />
      {view.paused !== undefined && !over && (
        <p>
          Paused since <Time at={view.paused.at} />: {view.paused.reason}
        </p>
      )}
      {may('run.pause') && !over && <Pause key={view.paused?.at} view={view} />}
      {may('run.stop') && !over && (
        <ReasonForm
          title="Stop this run"
          explanation="An open round is given up. What was published stays. A stopped run cannot go on."
          most={1_000}
          act={(reason) => ask<RunView>('POST', apiPath('runs', view.run, 'stop'), json({ reason }))}
          done={() => 'The run is stopped.'}
        />
      )}
      {view.outcome !== undefined && <Outcome view={view} />}
      {holds.length > 0 && (
        <Part title="Held by clients">
          <Holds holds={holds} caption="Clients that hold this plan" />
        </Part>
      )}
      {!over && <Cohort view={view} />}
      <Part title="Learning curves">
        <Curves history={view.history} />
      </Part>
      <Rounds view={view} />
      <Robustness view={view} />
    </>
  )
}

/** Between rounds a run can wait until somebody lets it go on. */
function Pause({ view: { run, paused } }: { readonly view: RunView }) {
  const act = (verb: 'pause' | 'resume') => (reason: string) =>
    ask<RunView>('POST', apiPath('runs', run, verb), json({ reason }))
  if (paused === undefined) {
    return (
      <ReasonForm
        title="Pause this run"
        explanation="An open round comes to its end, and no other is opened until somebody lets the run go on."
        most={1_000}
        act={act('pause')}
        done={() => 'The run is paused.'}
      />
    )
  }
  return (
    <ReasonForm
      title="Let this run go on"
      explanation="The next round is opened as soon as enough clients are there."
      most={1_000}
      act={act('resume')}
      done={() => 'The run goes on.'}
    />
  )
}

function Standing({ view }: { readonly view: RunView }) {
  const now = useNow(view.phase !== 'over')
  const { window, privacy, records, start } = view
  const done = view.history.length
  return (
    <>
      <p class="standing">
        <Badge tone={runTone(view)}>{runWord(view)}</Badge> Round {view.round} of {view.rounds}
        <progress max={view.rounds} value={done} aria-label="Rounds that are over" />
      </p>
      <Facts
        of={[
          ['Model', <a href={linkTo('models', view.model)}>{view.model}</a>],
          ['Plan', <Digest of={view.plan} />],
          ['Started', <Time at={view.createdAt} />],
          ...(start === undefined ? [] : [['Started from', startText(start)] as const]),
          ...(window === undefined
            ? []
            : ([
                ['Window', `${window.min} to ${countText(window.max, 'client')}`],
                [
                  'Time left',
                  <span data-left="">
                    {durationText(Date.parse(window.closesAt) - now)}, until <Time at={window.closesAt} />
                  </span>,
                ],
              ] as const)),
          ...(privacy === undefined ? [] : [['Privacy spent', <Spent privacy={privacy} />] as const]),
          ...(records === undefined ? [] : [['Privacy of rows', <SpentByRows records={records} />] as const]),
        ]}
      />
    </>
  )
}

function Spent({ privacy }: { readonly privacy: PrivacyView }) {
  const { epsilon, delta, rounds, accountant, budget } = privacy
  const most = budget === undefined ? '' : ` of ${figure(budget)}`
  return (
    <>
      <span>{`ε ${figure(epsilon)}${most} at δ ${figure(delta)}, ${countText(rounds, 'round')}, ${accountant}`}</span>
      {budget !== undefined && (
        <meter min={0} max={budget} value={epsilon} aria-label="Share of the privacy budget that is spent" />
      )}
    </>
  )
}

/** By the word of their clients; the rows of one have all cost the same. */
function SpentByRows({ records }: { readonly records: RecordsView }) {
  const { epsilon, delta, budget, clients } = records
  const most = budget === undefined ? '' : ` of ${figure(budget)}`
  return (
    <>
      <span>{`at most ε ${figure(epsilon)}${most} at δ ${figure(delta)} for one row`}</span>
      {budget !== undefined && (
        <meter min={0} max={budget} value={epsilon} aria-label="Share of the privacy budget of a row that is spent" />
      )}
      {clients.length > 0 && (
        <span>
          :{' '}
          {clients
            .slice(0, 20)
            .map(({ client, epsilon }) => `${client} ${figure(epsilon)}`)
            .join(', ')}
        </span>
      )}
    </>
  )
}

function startText({ sha256, version, file }: NonNullable<RunView['start']>) {
  if (version !== undefined) {
    const { model, number, alias } = version
    return (
      <>
        <a href={linkTo('models', model, number)}>
          {model} v{number}
        </a>
        {alias !== undefined && ` (${alias})`}
      </>
    )
  }
  return (
    <>
      {file ?? 'a file'} <Digest of={sha256} />
    </>
  )
}

function Outcome({ view: { outcome, model } }: { readonly view: RunView }) {
  if (outcome === undefined) return null
  switch (outcome.kind) {
    case 'published':
      return (
        <Part title="Result">
          <p>
            Published as{' '}
            <a href={linkTo('models', model, outcome.version)}>
              {model} v{outcome.version}
            </a>
            .
          </p>
          <Gates gates={outcome.gates} />
        </Part>
      )
    case 'rejected':
      return (
        <Part title="Result">
          <p>Not published: a gate did not pass.</p>
          <Gates gates={outcome.gates} />
        </Part>
      )
    case 'failed':
      return (
        <Part title="Result">
          <p>
            The run failed: <Code code={outcome.code} message={outcome.message} />
          </p>
        </Part>
      )
    case 'stopped':
      return (
        <Part title="Result">
          <p>Stopped by a person: {outcome.reason}</p>
        </Part>
      )
  }
}
