import type { Manifest } from '../../core/release/manifest.ts'
import type { ModelView, Tags } from '../answers.ts'
import { apiPath, get, send } from '../api.ts'
import { byteText, countText, figure } from '../format.ts'
import { Card } from '../parts/card.tsx'
import { Gates } from '../parts/gates.tsx'
import { Page, Part, Ready } from '../parts/page.tsx'
import { Promote } from '../parts/promote.tsx'
import { BeginSplit } from '../parts/split-acts.tsx'
import { States } from '../parts/states.tsx'
import { Facts, Table } from '../parts/table.tsx'
import { Verifying } from '../parts/verifying.tsx'
import { Digest, Time } from '../parts/words.tsx'
import { linkTo } from '../route.ts'
import { useMay } from '../session.ts'
import { useLoaded } from '../use.ts'
import { RunName, State, stateOf } from './models.tsx'

type Props = { readonly model: string; readonly number: number }
type Everything = { readonly manifest: Manifest; readonly view: ModelView; readonly tags: Tags }

/** A version and its evidence. */
export function VersionPage({ model, number }: Props) {
  const path = apiPath('models', model, 'versions', number)
  const loaded = useLoaded<Everything>(path, async () => {
    const [manifest, view, tags] = await Promise.all([
      get<Manifest>(path),
      get<ModelView>(apiPath('models', model)),
      get<Tags>(`${path}/tags`),
    ])
    return { manifest, view, tags }
  })
  return (
    <Page title={`${model} v${number}`}>
      <p>
        <a href={linkTo('models', model)}>All versions of {model}</a>
      </p>
      <Ready of={loaded}>{(all) => <Version {...all} reload={loaded.reload} />}</Ready>
    </Page>
  )
}

function Version({ manifest, view, tags: { tags }, reload }: Everything & { readonly reload: () => void }) {
  const may = useMay()
  const { model, number } = manifest
  const { parent, clients, privacy, records } = manifest
  const pointing = view.aliases.filter(({ version }) => version === number).map(({ alias }) => alias)
  return (
    <>
      <Facts
        of={[
          ['State', <State of={view} number={number} />],
          ['Aliases', pointing.join(', ') || 'none'],
          ['Published', <Time at={manifest.publishedAt} />],
          [
            'Made by',
            <>
              <RunName run={manifest.run} />, round {manifest.round}
            </>,
          ],
          [
            'Started from',
            parent === null ? (
              'no version'
            ) : (
              <a href={linkTo('models', model, parent)}>
                {model} v{parent}
              </a>
            ),
          ],
          ['Clients', `${clients.accepted} of ${clients.invited} accepted, ${clients.refused} refused`],
          ['Rule', <code>{manifest.rule}</code>],
          ['Size', `${countText(manifest.parameters, 'parameter')}, ${byteText(manifest.weightsBytes)}`],
          [
            'Privacy',
            privacy === undefined
              ? 'no noise was added'
              : `ε ${figure(privacy.epsilon)} at δ ${figure(privacy.delta)}, ${privacy.mechanism}, ${countText(privacy.rounds, 'round')}`,
          ],
          ...(records === undefined
            ? []
            : [
                [
                  'Privacy of rows',
                  `at most ε ${figure(records.epsilon)} at δ ${figure(records.delta)} for one row of ${countText(records.clients, 'client')}`,
                ] as const,
              ]),
          ['Plan', <Digest of={manifest.plan} />],
          ['Root', <Digest of={manifest.root} />],
          ['Weights', <Digest of={manifest.weights} />],
          ['Tags', tags.map(({ key, value }) => `${key}=${value}`).join(', ') || 'none'],
        ]}
      />
      <Part title="Gates">
        <Gates gates={manifest.gates} />
      </Part>
      <Part title="Metrics on held-out rows">
        <MetricsTable of={[['Value', manifest.metrics]]} />
      </Part>
      {may('alias.move') && (
        <Part title="Promote">
          <Promote model={model} number={number} aliases={view.aliases} moved={reload} />
          <BeginSplit manifest={manifest} aliases={view.aliases} moved={reload} />
        </Part>
      )}
      {may('version.state') && (
        <Part title="State">
          <States
            key={stateOf(view, number)}
            model={model}
            number={number}
            state={stateOf(view, number)}
            changed={reload}
          />
        </Part>
      )}
      <Part title="Verify in this browser">
        <Verifying model={model} number={number} />
      </Part>
      <Part title="Files">
        <Files manifest={manifest} />
      </Part>
      <Part title="Model card">
        <CardOf model={model} number={number} />
      </Part>
    </>
  )
}

type Named = readonly [name: string, metrics: Manifest['metrics']]

/** Metrics of one or more versions beside each other; those that are nowhere defined are left out. */
export function MetricsTable({ of }: { readonly of: readonly Named[] }) {
  const names = [...new Set(of.flatMap(([, metrics]) => Object.keys(metrics ?? {})))]
  const values = (name: string) =>
    of.map(([, metrics]) => Object.entries(metrics ?? {}).find(([key]) => key === name)?.[1])
  return (
    <Table
      caption="Metrics on held-out rows"
      head={['Metric', ...of.map(([name]) => name)]}
      rows={names
        .filter((name) => values(name).some((value) => value !== null && value !== undefined))
        .map((name) => [name, ...values(name).map(figure)])}
      none="It was not evaluated."
    />
  )
}

function Files({ manifest: { model, number, files } }: { readonly manifest: Manifest }) {
  const base = apiPath('models', model, 'versions', number, 'files')
  return (
    <Table
      caption="Files of the version"
      head={['File', 'Size', 'SHA-256']}
      rows={files.map(({ path, bytes, sha256 }) => [
        <a href={`${base}/${path}`} download>
          {path}
        </a>,
        byteText(bytes),
        <Digest of={sha256} />,
      ])}
    />
  )
}

function CardOf({ model, number }: Props) {
  const base = `${apiPath('models', model, 'versions', number)}/files/model`
  const card = useLoaded(base, async () => (await send('GET', `${base}/README.md`)).text())
  return <Ready of={card}>{(text) => <Card text={text} base={base} />}</Ready>
}
