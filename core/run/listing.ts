import type { ErrorCode } from '../errors/index.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { CohortMember, RecordsView, RunOutcome, RunView } from './view.ts'

/** A client whose own policy holds the plan until a person has looked at it; what it said. */
export type Hold = { readonly client: string; readonly round: number; readonly message: string }

export type ListedOutcome =
  | { readonly kind: 'published'; readonly version: number }
  | { readonly kind: 'rejected' }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: 'stopped'; readonly reason: string }

/** A run in a list: where it stands, without what each of its rounds was. */
export type RunListing = Pick<
  RunView,
  'run' | 'model' | 'plan' | 'createdAt' | 'phase' | 'round' | 'rounds' | 'privacy' | 'paused' | 'start'
> & {
  /** What it has cost single rows, without what it cost at each client. */
  readonly records?: Omit<RecordsView, 'clients'>
  /** Rounds that are over. */
  readonly completed: number
  /** Clients of the open round, those of them that have answered, and the bytes that have come from all. */
  readonly engaged: { readonly clients: number; readonly answered: number; readonly bytes: number }
  readonly holds: readonly Hold[]
  /** Of the last round that was evaluated. */
  readonly metrics?: Metrics
  /** When the first round was opened, and the last one closed. */
  readonly firstOpenedAt?: string
  readonly lastClosedAt?: string
  readonly outcome?: ListedOutcome
}

export function listingOf(view: RunView): RunListing {
  const { run, model, plan, createdAt, phase, round, rounds, privacy, paused, start, engaged, history, outcome } = view
  const metrics = history.findLast(({ pooled }) => pooled !== undefined)?.pooled
  const [first, last] = [history[0], history.at(-1)]
  return {
    run,
    model,
    plan,
    createdAt,
    phase,
    round,
    rounds,
    completed: history.length,
    engaged: {
      clients: engaged.length,
      answered: engaged.filter(hasAnswered).length,
      bytes: engaged.reduce((sum, { bytes }) => sum + bytes, 0),
    },
    holds: holdsOf(view),
    ...(privacy === undefined ? {} : { privacy }),
    ...recordsOf(view),
    ...(paused === undefined ? {} : { paused }),
    ...(start === undefined ? {} : { start }),
    ...(metrics === undefined ? {} : { metrics }),
    ...(first === undefined || last === undefined
      ? {}
      : { firstOpenedAt: first.openedAt, lastClosedAt: last.closedAt }),
    ...(outcome === undefined ? {} : { outcome: listedOutcome(outcome) }),
  }
}

function recordsOf({ records }: RunView): Pick<RunListing, 'records'> {
  if (records === undefined) return {}
  const { clients: _ofEach, ...all } = records
  return { records: all }
}

/** Whether the client has sent all that this phase asks of it. */
export function hasAnswered({ phase }: Pick<CohortMember, 'phase'>): boolean {
  return phase === 'accepted' || phase === 'evaluated'
}

/** The clients that hold the plan now, with what each has said of it last. */
export function holdsOf({ phase, round, engaged, history, holding = [] }: RunView): Hold[] {
  if (phase === 'over') return []
  const said = [
    ...history.flatMap((one) => one.refused.map((refusal) => ({ ...refusal, round: one.round }))),
    ...engaged.map(({ client, code, message = '' }) => ({ client, code, message, round })),
  ].filter(({ code }) => code === 'node.plan-held')
  return holding.map((client) => {
    const last = said.findLast((one) => one.client === client)
    return { client, round: last?.round ?? round, message: last?.message ?? '' }
  })
}

function listedOutcome(outcome: RunOutcome): ListedOutcome {
  switch (outcome.kind) {
    case 'published':
      return { kind: 'published', version: outcome.version }
    case 'rejected':
      return { kind: 'rejected' }
    case 'failed':
      return { kind: 'failed', code: outcome.code, message: outcome.message }
    case 'stopped':
      return { kind: 'stopped', reason: outcome.reason }
    default:
      return outcome satisfies never
  }
}
