import type { LabelKind } from './metric-labels.ts'

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

const histogram = <const Labels extends Record<string, LabelKind>>(
  name: string,
  help: string,
  buckets: readonly number[],
  labelKinds: Labels,
) => ({ kind: 'histogram' as const, name, help, labels: labelKinds, buckets })

const ofRounds = [1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400] as const
const ofDisks = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1] as const

/** Everything that the coordinator measures. `docs/metrics.md` is its manual page, and a test compares the two. */
export const metricTable = {
  sessionsOpen: gauge('parley_sessions_open', 'Sessions of authenticated clients that are open.', {
    carrier: 'carrier',
  }),
  framesRefused: counter('parley_frames_refused_total', 'Connections and sessions that ended with a refusal.', {
    code: 'code',
  }),
  authRefused: counter(
    'parley_auth_refused_total',
    'Sessions and HTTP requests that were refused for who asked, or for what they may not do.',
    { code: 'authCode', carrier: 'carrier' },
  ),
  updatesAccepted: counter('parley_updates_accepted_total', 'Updates that are on disk and have a receipt.', {}),
  updatesRefused: counter('parley_updates_refused_total', 'Updates that were refused.', { code: 'code' }),
  stragglers: counter(
    'parley_stragglers_total',
    'Members of cohorts of whom nothing had come when their round was over.',
    {},
  ),
  bytes: counter('parley_bytes_total', 'Bytes of frames and of HTTP bodies, by direction as the coordinator sees it.', {
    direction: 'direction',
    carrier: 'carrier',
  }),
  rounds: counter('parley_rounds_total', 'Rounds that are over.', { outcome: 'round' }),
  roundSeconds: histogram('parley_round_seconds', 'Time from the opening of a round to its end.', ofRounds, {}),
  phaseSeconds: histogram(
    'parley_phase_seconds',
    'Time that a run was in a phase; since the start of the process where it was in it before.',
    ofRounds,
    { phase: 'phase' },
  ),
  runsActive: gauge('parley_runs_active', 'Runs that are not over.', {}),
  runs: counter('parley_runs_total', 'Runs that are over.', { outcome: 'run' }),
  runRound: gauge('parley_run_round', 'Number of the open or coming round.', { run: 'runId' }),
  runRounds: gauge('parley_run_rounds_planned', 'Rounds that the plan asks for, and one more for each that failed.', {
    run: 'runId',
  }),
  cohortMembers: gauge('parley_cohort_members', 'Members of the cohort of the open round, by where they stand.', {
    run: 'runId',
    phase: 'member',
  }),
  updateNorm: gauge(
    'parley_update_norm',
    'Quartiles of the Euclidean norms of the updates of the last round that made a model; of the opened sums where updates are masked.',
    { run: 'runId', quartile: 'quartile' },
  ),
  epsilon: gauge('parley_privacy_epsilon', 'ε that the rounds so far have spent, at the δ of the plan.', {
    run: 'runId',
  }),
  budgetRatio: gauge('parley_privacy_budget_used_ratio', 'Share of the budget of ε that is spent, from 0 to 1.', {
    run: 'runId',
  }),
  gateVerdicts: counter('parley_gate_verdicts_total', 'Verdicts of gates on results of runs.', { verdict: 'verdict' }),
  versionsPublished: counter('parley_versions_published_total', 'Versions that were published.', {}),
  aliasMoves: counter('parley_alias_moves_total', 'Moves of aliases, by who moved them; renewals are moves.', {
    by: 'mover',
  }),
  rolloutDecisions: counter('parley_rollout_decisions_total', 'What was done with versions that were rolled out.', {
    decision: 'decision',
  }),
  journalAppendSeconds: histogram(
    'parley_journal_append_seconds',
    'Time until an entry of the journal is on disk.',
    ofDisks,
    {},
  ),
  auditAppends: counter('parley_audit_appends_total', 'Records that were given to the audit log.', {
    outcome: 'outcome',
  }),
  auditAppendSeconds: histogram(
    'parley_audit_append_seconds',
    'Time until a record of the audit log is on disk.',
    ofDisks,
    {},
  ),
  storeBytes: gauge('parley_store_bytes', 'Bytes that the store takes, measured every five minutes.', {}),
  storeFreeBytes: gauge('parley_store_free_bytes', 'Bytes that are free on the disk of the store.', {}),
  certificateEnd: gauge(
    'parley_certificate_end_timestamp_seconds',
    'When a certificate of the coordinator ends, in seconds since 1970.',
    { certificate: 'certificate' },
  ),
  alertsFiring: gauge('parley_alerts_firing', 'Subjects for which an alert of the coordinator fires.', {
    alert: 'alert',
  }),
  alertNotices: counter('parley_alert_notices_total', 'Notices of alerts to sinks that are configured.', {
    sink: 'sink',
    outcome: 'notice',
  }),
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
