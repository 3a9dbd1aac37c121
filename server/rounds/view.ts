import { suspectsOf } from '../../core/aggregation/suspects.ts'
import { metricsOf } from '../../core/metrics/compute.ts'
import type { RobustnessReport, Suspect } from '../../core/run/robustness.ts'
import type { ClientPhase, CohortMember, PrivacyView, RoundSummary, RunOutcome, RunView } from '../../core/run/view.ts'
import { groupMetrics, pooledMetrics } from '../gates/decide.ts'
import { assertNever } from './assert-never.ts'
import { holdoutSummary } from './holdout-view.ts'
import { expectedIn } from './masked/transitions.ts'
import { type PrivacySettings, spentAfter } from './privacy-settings.ts'
import { recordsOf, recordsSpent } from './records-view.ts'
import type { Collecting, Evaluating, Instant, Outcome, RoundRecord, RunState, Unmasking } from './state.ts'
import { excluded } from './window.ts'

/** What is known of clients beside the journal: who is connected, and how far uploads are. */
export type LiveInfo = {
  readonly connected: (client: string) => boolean
  readonly uploaded: (client: string) => number
  /** Where the plan waits for a person. */
  readonly holding: readonly string[]
}

export function viewOf(state: RunState, live: LiveInfo): RunView {
  const window = openWindow(state)
  const records = recordsOf(state)
  return {
    run: state.run,
    model: state.settings.model,
    plan: state.settings.plan.digest,
    ...(state.settings.start === undefined ? {} : { start: state.settings.start }),
    createdAt: timestamp(state.startedAt),
    phase: state.phase,
    round: state.round,
    rounds: state.settings.rounds + state.history.filter(({ failure }) => failure !== undefined).length,
    engaged: engagedOf(state, live),
    ...(window === undefined ? {} : { window }),
    history: state.history.map(summaryOf),
    suspects: suspectsIn(state.history),
    ...(state.settings.privacy === undefined ? {} : { privacy: privacyOf(state, state.settings.privacy) }),
    ...(records === undefined ? {} : { records }),
    ...(live.holding.length === 0 ? {} : { holding: live.holding }),
    ...pauseOf(state),
    ...(state.phase === 'over' ? { outcome: outcomeOf(state.outcome) } : {}),
  }
}

function pauseOf({ phase, paused }: RunState): Pick<RunView, 'paused'> {
  if (paused === undefined || phase === 'over') return {}
  return { paused: { at: timestamp(paused.at), reason: paused.reason } }
}

/** A round is paid for when it is opened. */
export function openedRounds(state: RunState): number {
  return (
    state.history.length + (state.phase === 'waiting' || state.phase === 'publishing' || state.phase === 'over' ? 0 : 1)
  )
}

function privacyOf(state: RunState, privacy: PrivacySettings): PrivacyView {
  const rounds = openedRounds(state)
  const { epsilon, delta, accountant } = spentAfter(privacy, rounds)
  const { budget } = privacy
  return { epsilon, delta, rounds, accountant, ...(budget === undefined ? {} : { budget: budget.epsilon }) }
}

/** UTC, RFC 3339 with milliseconds. */
export function timestamp(at: Instant): string {
  return new Date(at).toISOString()
}

function openWindow(state: RunState): RunView['window'] {
  if (state.phase === 'collecting') {
    const { min, max, maxMs } = state.settings.window
    return { min, max, closesAt: timestamp(state.openedAt + maxMs) }
  }
  if (state.phase === 'evaluating') {
    const { min, maxMs } = state.settings.evaluation
    return { min, max: state.cohort.length, closesAt: timestamp(state.since + maxMs) }
  }
  return undefined
}

function engagedOf(state: RunState, live: LiveInfo): CohortMember[] {
  if (state.phase === 'collecting') return state.cohort.map((client) => collectingMember(state, client, live))
  if (state.phase === 'unmasking') return unmaskingMembers(state, live)
  if (state.phase === 'evaluating') return state.cohort.map((client) => evaluatingMember(state, client, live))
  return []
}

function collectingMember(state: Collecting, client: string, live: LiveInfo): CohortMember {
  const accepted = state.accepted.find((update) => update.client === client)
  const refusal = state.refused.findLast((one) => one.client === client)
  const uploaded = live.uploaded(client)
  const phase: ClientPhase =
    accepted !== undefined
      ? 'accepted'
      : excluded(state).has(client)
        ? 'refused'
        : uploaded > 0
          ? 'uploading'
          : state.masking !== undefined && state.masking.session.phase !== 'advertise'
            ? 'sharing'
            : 'invited'
  return {
    client,
    connected: live.connected(client),
    phase,
    bytes: accepted?.header.bytes ?? uploaded,
    ...(refusal === undefined ? {} : { code: refusal.code, message: refusal.message }),
  }
}

function unmaskingMembers(state: Unmasking, live: LiveInfo): CohortMember[] {
  const confirming = new Set(expectedIn(state))
  return state.cohort.map((client) => {
    const accepted = state.accepted.find((update) => update.client === client)
    const phase: ClientPhase = accepted === undefined ? 'refused' : confirming.has(client) ? 'confirming' : 'accepted'
    return { client, connected: live.connected(client), phase, bytes: accepted?.header.bytes ?? 0 }
  })
}

function evaluatingMember(state: Evaluating, client: string, live: LiveInfo): CohortMember {
  const done = [...state.results, ...(state.masked?.vectors ?? [])].some((result) => result.client === client)
  const declined = state.declined.find((decline) => decline.client === client)
  return {
    client,
    connected: live.connected(client),
    phase: done ? 'evaluated' : declined === undefined ? 'evaluating' : 'refused',
    bytes: 0,
    ...(declined === undefined ? {} : { code: declined.code, message: declined.message }),
  }
}

// A closed round never changes, and a run is looked at after every change of the open one.
const summaries = new WeakMap<RoundRecord, RoundSummary>()

function summaryOf(record: RoundRecord): RoundSummary {
  const known = summaries.get(record)
  if (known !== undefined) return known
  const summary = makeSummary(record)
  summaries.set(record, summary)
  return summary
}

const suspects = new WeakMap<readonly RoundRecord[], readonly Suspect[]>()

function suspectsIn(history: readonly RoundRecord[]): readonly Suspect[] {
  const known = suspects.get(history)
  if (known !== undefined) return known
  const found = suspectsOf(history.flatMap(clientReports))
  suspects.set(history, found)
  return found
}

/**
 * A round's report by client. Of a masked round each member of a sum has what its sum has: buckets are drawn anew in every
 * round, so that one who spoils all of its sums stands out.
 */
function clientReports({ report, unmasked }: RoundRecord): RobustnessReport[] {
  if (report === undefined) return []
  if (unmasked === undefined) return [report]
  const members = new Map(unmasked.sums.map(({ name, clients }) => [name, clients]))
  const clients = report.clients.flatMap((one) => (members.get(one.client) ?? []).map((client) => ({ ...one, client })))
  return [{ ...report, clients }]
}

function makeSummary(record: RoundRecord): RoundSummary {
  const pooled = pooledMetrics(record)
  const groups = groupMetrics(record)
  return {
    round: record.round,
    openedAt: timestamp(record.openedAt),
    closedAt: timestamp(record.closedAt),
    cohort: record.cohort,
    accepted: record.accepted.map(({ client }) => client),
    refused: record.refused,
    bytes: record.accepted.reduce((sum, { header }) => sum + header.bytes, 0),
    ...recordsSpent(record),
    ...(record.model === undefined ? {} : { weights: record.model.digest }),
    ...(record.weights === undefined ? {} : { published: record.weights.digest }),
    ...(pooled === undefined ? {} : { pooled }),
    clients: record.results.flatMap(({ client, clients, counts: [candidate] }) =>
      candidate === undefined || clients !== undefined ? [] : [{ client, metrics: metricsOf(candidate) }],
    ),
    ...summedOf(record),
    ...(groups.length === 0 ? {} : { groups }),
    ...(record.holdout === undefined ? {} : { holdout: holdoutSummary(record.holdout) }),
    ...(record.latency === undefined ? {} : { latency: record.latency }),
    ...(record.failure === undefined ? {} : { failure: record.failure }),
    ...(record.report === undefined ? {} : { robustness: record.report }),
    ...(record.unmasked === undefined ? {} : { sums: sumsOf(record.unmasked) }),
  }
}

/** Where counts were masked. */
function summedOf({ results, unevaluated }: RoundRecord): Pick<RoundSummary, 'summed' | 'unevaluated'> {
  const summed = results.flatMap(({ clients = [] }) => clients)
  return {
    ...(summed.length === 0 ? {} : { summed }),
    ...(unevaluated === undefined ? {} : { unevaluated }),
  }
}

function sumsOf({ sums, spoiled, culprits }: NonNullable<RoundRecord['unmasked']>): NonNullable<RoundSummary['sums']> {
  return { opened: sums.map(({ name, clients }) => ({ name, clients })), spoiled, culprits }
}

function outcomeOf(outcome: Outcome): RunOutcome {
  switch (outcome.kind) {
    case 'published':
      return { kind: 'published', version: outcome.version, weights: outcome.model.digest, gates: outcome.verdicts }
    case 'rejected':
      return { kind: 'rejected', weights: outcome.model.digest, gates: outcome.verdicts }
    case 'failed':
    case 'stopped':
      return outcome
    default:
      return assertNever(outcome)
  }
}
