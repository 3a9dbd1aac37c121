import type { ErrorCode } from '../errors/index.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { CohortMember, RunOutcome, RunView } from './view.ts'

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
  'run' | 'model' | 'plan' | 'createdAt' | 'phase' | 'round' | 'rounds' | 'privacy' | 'paused'
> & {
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
  const { run, model, plan, createdAt, phase, round, rounds, privacy, paused, engaged, history, outcome } = view
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
    ...(paused === undefined ? {} : { paused }),
    ...(metrics === undefined ? {} : { metrics }),
    ...(first === undefined || last === undefined
      ? {}
      : { firstOpenedAt: first.openedAt, lastClosedAt: last.closedAt }),
    ...(outcome === undefined ? {} : { outcome: listedOutcome(outcome) }),
  }
}

/** Whether the client has sent all that this phase asks of it. */
export function hasAnswered({ phase }: Pick<CohortMember, 'phase'>): boolean {
  return phase === 'accepted' || phase === 'evaluated'
}

/** The clients that hold the plan, by their last word on it; none where the run is over. */
export function holdsOf({ phase, round, engaged, history }: RunView): Hold[] {
  if (phase === 'over') return []
  const holds = new Map<string, Hold>()
  for (const one of history) {
    for (const client of one.cohort) holds.delete(client)
    for (const { client, code, message } of one.refused) {
      if (code === 'node.plan-held') holds.set(client, { client, round: one.round, message })
    }
  }
  for (const { client, phase: word, code, message = '' } of engaged) {
    if (code === 'node.plan-held') holds.set(client, { client, round, message })
    else if (word !== 'invited') holds.delete(client)
  }
  return [...holds.values()].sort((a, b) => (a.client < b.client ? -1 : 1))
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
