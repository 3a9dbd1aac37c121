import type { Manifest } from '../../core/release/manifest.ts'
import { apiPath, get } from '../api.ts'
import { figure, shortDigest } from '../format.ts'
import { Page, Part, Ready } from '../parts/page.tsx'
import { Table } from '../parts/table.tsx'
import { linkTo } from '../route.ts'
import { useLoaded } from '../use.ts'
import { MetricsTable } from './version.tsx'

type Props = { readonly model: string; readonly first: number; readonly second: number }

/** Two versions beside each other. */
export function ComparePage({ model, first, second }: Props) {
  const path = (number: number) => apiPath('models', model, 'versions', number)
  const both = useLoaded(`${path(first)} ${path(second)}`, () =>
    Promise.all([get<Manifest>(path(first)), get<Manifest>(path(second))]),
  )
  return (
    <Page title={`${model}: v${first} and v${second}`}>
      <p>
        <a href={linkTo('models', model)}>All versions of {model}</a>
      </p>
      <Ready of={both}>{(manifests) => <Comparison manifests={manifests} />}</Ready>
    </Page>
  )
}

/** What two manifests say of the same thing. */
const facts: readonly (readonly [name: string, of: (manifest: Manifest) => string])[] = [
  ['Published', ({ publishedAt }) => publishedAt],
  ['Run', ({ run, round }) => `${run}, round ${round}`],
  ['Started from', ({ parent }) => (parent === null ? 'no version' : `v${parent}`)],
  ['Rule', ({ rule }) => rule],
  ['Clients accepted', ({ clients }) => `${clients.accepted} of ${clients.invited}`],
  ['Parameters', ({ parameters }) => String(parameters)],
  ['ε', ({ privacy }) => (privacy === undefined ? 'no noise' : figure(privacy.epsilon))],
  ['ε of a row', ({ records }) => (records === undefined ? 'rows are not hidden' : figure(records.epsilon))],
  ['Plan', ({ plan }) => shortDigest(plan)],
  ['Layout', ({ layout }) => shortDigest(layout)],
  ['Weights', ({ weights }) => shortDigest(weights)],
]

function Comparison({ manifests }: { readonly manifests: readonly Manifest[] }) {
  const names = manifests.map(({ number }) => `v${number}`)
  const gates = [...new Set(manifests.flatMap((one) => one.gates.map(({ gate }) => gate)))]
  const gateIn = (manifest: Manifest, name: string) => {
    const found = manifest.gates.find(({ gate }) => gate === name)
    return found === undefined ? 'not asked' : `${found.verdict}: ${figure(found.value)} (bound ${figure(found.bound)})`
  }
  return (
    <>
      <Part title="Facts">
        <Table
          caption="Facts of both versions"
          head={['Fact', ...names, 'The same']}
          rows={facts.map(([name, of]) => {
            const values = manifests.map(of)
            return [name, ...values, values.every((value) => value === values[0]) ? 'yes' : 'no']
          })}
        />
      </Part>
      <Part title="Metrics on held-out rows">
        <MetricsTable of={manifests.map(({ number, metrics }) => [`v${number}`, metrics])} />
      </Part>
      <Part title="Gates">
        <Table
          caption="Gates of both versions"
          head={['Gate', ...names]}
          rows={gates.map((name) => [name, ...manifests.map((one) => gateIn(one, name))])}
        />
      </Part>
    </>
  )
}
