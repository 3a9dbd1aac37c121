import { useState } from 'preact/hooks'
import type { Candidate, ModelSummary, ModelView } from '../answers.ts'
import { apiPath } from '../api.ts'
import { aliasesText, percentText } from '../parts/alias-text.ts'
import { Page, Part, Ready } from '../parts/page.tsx'
import { Rollback } from '../parts/promote.tsx'
import { Split } from '../parts/split.tsx'
import { Table } from '../parts/table.tsx'
import { Badge, Digest, Time } from '../parts/words.tsx'
import { linkTo } from '../route.ts'
import { useMay } from '../session.ts'
import { useGet } from '../use.ts'

export function ModelsPage() {
  const models = useGet<{ models: readonly ModelSummary[] }>('/v1/models')
  return (
    <Page title="Versions">
      <Ready of={models}>
        {({ models: all }) => (
          <Table
            caption="Models that have versions"
            head={['Model', 'Versions', 'Aliases']}
            rows={all.map(({ model, versions, aliases }) => [
              <a href={linkTo('models', model)}>{model}</a>,
              versions,
              aliasesText(aliases),
            ])}
            none="Nothing has been published yet."
          />
        )}
      </Ready>
    </Page>
  )
}

export function ModelPage({ model }: { readonly model: string }) {
  const loaded = useGet<ModelView>(apiPath('models', model))
  return (
    <Page title={`Versions of ${model}`}>
      <Ready of={loaded}>{(view) => <Model view={view} reload={loaded.reload} />}</Ready>
    </Page>
  )
}

function Model({ view, reload }: { readonly view: ModelView; readonly reload: () => void }) {
  const may = useMay()
  const { model, versions, aliases, history } = view
  return (
    <>
      <Table
        caption={`Versions of ${model}, the newest first`}
        head={['Version', 'Aliases', 'State', 'Run', 'Weights', 'Published']}
        rows={versions.toReversed().map(({ number, run, round, weights, publishedAt }) => [
          <a href={linkTo('models', model, number)}>v{number}</a>,
          aliases
            .filter(({ version }) => version === number)
            .map(({ alias }) => alias)
            .join(', '),
          <State of={view} number={number} />,
          <>
            <RunName run={run} />, round {round}
          </>,
          <Digest of={weights} />,
          <Time at={publishedAt} />,
        ])}
      />
      {versions.length > 1 && <Compare view={view} />}
      <Part title="Aliases">
        <Table
          caption="Where aliases point"
          head={['Alias', 'Version', 'Split', 'Since', 'By', 'Reason']}
          rows={aliases.map(({ alias, version, split, at, actor, reason }) => [
            alias,
            `v${version}`,
            split === undefined ? '–' : `${percentText(split.share)} get v${split.number}`,
            <Time at={at} />,
            actor,
            reason,
          ])}
          none="No alias points anywhere."
        />
        {may('alias.move') &&
          aliases
            .filter(({ split }) => split === undefined)
            .map((holder) => (
              <Rollback key={`${holder.alias} ${holder.sequence}`} model={model} holder={holder} moved={reload} />
            ))}
      </Part>
      {aliases.flatMap((holder) =>
        holder.split === undefined ? [] : [<Split key={holder.alias} model={model} holder={holder} moved={reload} />],
      )}
      {may('release.read') && <Candidates model={model} />}
      <Part title="History of aliases">
        <Table
          caption="Moves of aliases, the newest first"
          head={['When', 'Alias', 'To', 'By', 'Reason']}
          rows={history
            .toReversed()
            .map(({ at, alias, version, actor, reason }) => [<Time at={at} />, alias, `v${version}`, actor, reason])}
        />
      </Part>
    </>
  )
}

/** Runs are not for everybody; versions are. */
export function RunName({ run }: { readonly run: string }) {
  return useMay()('run.read') ? <a href={linkTo('runs', run)}>{run}</a> : <span>{run}</span>
}

/** What was said of a version last; of which nothing was said is in use. */
export function stateOf({ states }: ModelView, number: number): string {
  return states.findLast((one) => one.number === number)?.state ?? 'in-use'
}

export function State({ of, number }: { readonly of: ModelView; readonly number: number }) {
  const state = stateOf(of, number)
  if (state === 'in-use') return <span>in use</span>
  const reason = of.states.findLast((one) => one.number === number)?.reason
  return (
    <>
      <Badge tone={state === 'withdrawn' ? 'bad' : 'warn'}>{state}</Badge> {reason}
    </>
  )
}

/** Results of runs before their gates: those that were not published are told of nowhere else. */
function Candidates({ model }: { readonly model: string }) {
  const loaded = useGet<{ candidates: readonly Candidate[] }>(apiPath('models', model, 'candidates'))
  return (
    <Part title="Candidates that did not pass">
      <Ready of={loaded}>
        {({ candidates }) => (
          <Table
            caption="Candidates that did not pass, the newest first"
            head={['Run', 'Round', 'When', 'Gates']}
            rows={candidates
              .filter(({ passed }) => !passed)
              .toReversed()
              .map(({ run, round, at, gates }) => [
                <RunName key="run" run={run} />,
                round,
                <Time key="at" at={at} />,
                gates
                  .filter(({ verdict }) => verdict !== 'pass')
                  .map(({ explanation }) => explanation)
                  .join('; '),
              ])}
          />
        )}
      </Ready>
    </Part>
  )
}

function Compare({ view: { model, versions } }: { readonly view: ModelView }) {
  const numbers = versions.map(({ number }) => number)
  const [first, setFirst] = useState(numbers.at(-2) ?? 1)
  const [second, setSecond] = useState(numbers.at(-1) ?? 1)
  const choice = (label: string, value: number, set: (number: number) => void) => (
    <label class="beside">
      {label}
      <select value={value} onChange={({ currentTarget }) => set(Number(currentTarget.value))}>
        {numbers.map((number) => (
          <option key={number} value={number}>
            v{number}
          </option>
        ))}
      </select>
    </label>
  )
  return (
    <p class="buttons">
      {choice('Compare', first, setFirst)}
      {choice('with', second, setSecond)}
      <a href={linkTo('models', model, 'compare', first, second)}>Compare</a>
    </p>
  )
}
