import { headlineOf, leadingOf, type MetricName, type Metrics } from '../../core/metrics/metrics.ts'
import type { SimulatedRound } from '../results.ts'
import type { StoredRun } from './result-folder.ts'

/** A field in which two scenarios differ; a side on which it is not there is absent. */
export type Difference = { readonly path: string; readonly a?: unknown; readonly b?: unknown }

type Pair = { readonly a: number | null; readonly b: number | null }

/** Two simulations side by side. */
export type Comparison = {
  /** Fields of the scenarios that differ, in the order of their paths. */
  readonly scenario: readonly Difference[]
  /** Whether the last model files are the same, byte for byte; null where one of the runs has none. */
  readonly identical: boolean | null
  readonly weights: { readonly a: string | null; readonly b: string | null }
  readonly outcome: { readonly a: string; readonly b: string }
  /** Metrics of the last evaluated rounds. */
  readonly metrics: readonly (Pair & { readonly name: MetricName | 'attackSuccess' | 'virtualMs' })[]
  readonly rounds: readonly {
    readonly round: number
    /** The metrics of the round that say most; `accuracy` and `loss`, or `mae` and `rmse` of a numeric label. */
    readonly accuracy?: Pair
    readonly loss?: Pair
    readonly mae?: Pair
    readonly rmse?: Pair
    readonly same: boolean
  }[]
}

export function compareRuns(a: StoredRun, b: StoredRun): Comparison {
  const pair = (of: (run: StoredRun) => number | null | undefined): Pair => ({ a: of(a) ?? null, b: of(b) ?? null })
  const last = [a, b].map((run) => lastOf(run)?.central)
  const leading = leadingOf(last)
  const [ours, theirs] = [a.result.weights ?? null, b.result.weights ?? null]
  return {
    scenario: differences(a.scenario, b.scenario),
    identical: ours === null || theirs === null ? null : ours === theirs,
    weights: { a: ours, b: theirs },
    outcome: { a: a.result.outcome.kind, b: b.result.outcome.kind },
    metrics: [
      ...headlineOf(last).map((name) => ({ name, ...pair((run) => lastOf(run)?.central?.[name]) })),
      { name: 'attackSuccess' as const, ...pair((run) => lastOf(run)?.attackSuccess) },
      { name: 'virtualMs' as const, ...pair((run) => run.result.virtualMs) },
    ],
    rounds: Array.from({ length: Math.max(a.result.rounds.length, b.result.rounds.length) }, (_, i) => {
      const [one, other] = [a.result.rounds[i], b.result.rounds[i]]
      const of = (name: keyof Metrics) => ({ a: metricOf(one, name), b: metricOf(other, name) })
      const same = one?.weights !== undefined && one.weights === other?.weights
      return { round: i + 1, ...Object.fromEntries(leading.map((name) => [name, of(name)])), same }
    }),
  }
}

function lastOf({ result }: StoredRun): SimulatedRound | undefined {
  return result.rounds.findLast(({ central }) => central !== undefined)
}

function metricOf(round: SimulatedRound | undefined, name: keyof Metrics): number | null {
  return round?.central?.[name] ?? null
}

/** Fields in which two plain values differ. */
export function differences(a: unknown, b: unknown): Difference[] {
  const [ours, theirs] = [fieldsOf(a), fieldsOf(b)]
  const paths = [...new Set([...ours.keys(), ...theirs.keys()])].sort()
  return paths
    .filter((path) => JSON.stringify(ours.get(path)) !== JSON.stringify(theirs.get(path)))
    .map((path) => ({
      path,
      ...(ours.has(path) ? { a: ours.get(path) } : {}),
      ...(theirs.has(path) ? { b: theirs.get(path) } : {}),
    }))
}

/** Every leaf by its dotted path. An empty object or array is a leaf: it is there, as its absence is not. */
function fieldsOf(value: unknown, path = '', found = new Map<string, unknown>()): Map<string, unknown> {
  const members = typeof value === 'object' && value !== null ? Object.entries(value) : []
  if (members.length === 0 && value !== undefined) found.set(path, value)
  for (const [key, member] of members) fieldsOf(member, path === '' ? key : `${path}.${key}`, found)
  return found
}
