import { catalogue } from '../../core/errors/index.ts'

/** The values that a label may have. Everything else is counted as `other`, so that no peer can make up new series. */
const labels = {
  carrier: ['grpc', 'ws', 'memory', 'http'],
  code: Object.keys(catalogue),
  direction: ['in', 'out'],
  method: ['GET', 'HEAD', 'POST'],
  status: ['2xx', '3xx', '4xx', '5xx'],
  round: ['done', 'failed', 'stopped'],
  run: ['published', 'rejected', 'failed', 'stopped'],
} as const

export type LabelKind = keyof typeof labels

export function allowedValues(kind: LabelKind): readonly string[] {
  return labels[kind]
}

export type Metric = {
  readonly kind: 'counter' | 'gauge' | 'histogram'
  readonly name: string
  readonly help: string
  /** Name of each label → the set of its values. */
  readonly labels: Readonly<Record<string, LabelKind>>
  /** Upper bounds, of histograms only, in the unit of the name. */
  readonly buckets?: readonly number[]
}

const counter = <const Labels extends Record<string, LabelKind>>(name: string, help: string, labelKinds: Labels) => ({
  kind: 'counter' as const,
  name,
  help,
  labels: labelKinds,
})

const gauge = <const Labels extends Record<string, LabelKind>>(name: string, help: string, labelKinds: Labels) => ({
  kind: 'gauge' as const,
  name,
  help,
  labels: labelKinds,
})

const histogram = (name: string, help: string, buckets: readonly number[]) => ({
  kind: 'histogram' as const,
  name,
  help,
  labels: {},
  buckets,
})

/** Everything that the coordinator measures. `docs/metrics.md` is its manual page, and a test compares the two. */
export const metricTable = {
  sessionsOpen: gauge('parley_sessions_open', 'Sessions of authenticated clients that are open.', {
    carrier: 'carrier',
  }),
  framesRefused: counter('parley_frames_refused_total', 'Connections and sessions that ended with a refusal.', {
    code: 'code',
  }),
  updatesAccepted: counter('parley_updates_accepted_total', 'Updates that are on disk and have a receipt.', {}),
  updatesRefused: counter('parley_updates_refused_total', 'Updates that were refused.', { code: 'code' }),
  bytes: counter('parley_bytes_total', 'Bytes of frames and of HTTP bodies, by direction as the coordinator sees it.', {
    direction: 'direction',
    carrier: 'carrier',
  }),
  rounds: counter('parley_rounds_total', 'Rounds that are over.', { outcome: 'round' }),
  roundSeconds: histogram(
    'parley_round_seconds',
    'Time from the opening of a round to its end.',
    [1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400],
  ),
  runsActive: gauge('parley_runs_active', 'Runs that are not over.', {}),
  runs: counter('parley_runs_total', 'Runs that are over.', { outcome: 'run' }),
  versionsPublished: counter('parley_versions_published_total', 'Versions that were published.', {}),
  journalAppendSeconds: histogram(
    'parley_journal_append_seconds',
    'Time until an entry of the journal is on disk.',
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
  ),
  httpRequests: counter('parley_http_requests_total', 'Answered HTTP requests.', {
    method: 'method',
    status: 'status',
  }),
} as const satisfies Record<string, Metric>

type Table = typeof metricTable
export type MetricId = keyof Table
export type CounterId = { [Id in MetricId]: Table[Id]['kind'] extends 'counter' ? Id : never }[MetricId]
export type GaugeId = { [Id in MetricId]: Table[Id]['kind'] extends 'gauge' ? Id : never }[MetricId]
export type HistogramId = { [Id in MetricId]: Table[Id]['kind'] extends 'histogram' ? Id : never }[MetricId]
export type LabelsOf<Id extends MetricId> = { readonly [Label in keyof Table[Id]['labels']]: string }
