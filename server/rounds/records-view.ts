import type { RecordsSpent, RecordsView, RoundSummary } from '../../core/run/view.ts'
import type { AcceptedUpdate, RoundRecord, RunState } from './state.ts'

/** What a round's updates cost their rows. */
export function recordsSpent({ accepted }: Pick<RoundRecord, 'accepted'>): Pick<RoundSummary, 'records'> {
  const records = accepted.flatMap(spentBy)
  return records.length === 0 ? {} : { records }
}

function spentBy({ client, header: { records } }: AcceptedUpdate): RecordsSpent[] {
  if (records === undefined) return []
  return [{ client, epsilon: Number(records.epsilon), epsilonOfRound: Number(records.epsilonOfRound) }]
}

/** What the run has cost single rows so far; undefined where the plan hides none. */
export function recordsOf(state: RunState): RecordsView | undefined {
  const { records } = state.settings
  if (records === undefined) return undefined
  const spent = new Map(spentIn(state.history))
  if ('accepted' in state) for (const update of state.accepted) take(spent, update)
  const clients = [...spent].map(([client, epsilon]) => ({ client, epsilon }))
  clients.sort((a, b) => b.epsilon - a.epsilon || (a.client < b.client ? -1 : 1))
  return {
    epsilon: clients[0]?.epsilon ?? 0,
    delta: records.delta,
    ...(records.epsilon === undefined ? {} : { budget: records.epsilon }),
    clients,
  }
}

// A run is looked at after every change of its open round, while its history stays as it is.
const known = new WeakMap<readonly RoundRecord[], ReadonlyMap<string, number>>()

function spentIn(history: readonly RoundRecord[]): ReadonlyMap<string, number> {
  const before = known.get(history)
  if (before !== undefined) return before
  const spent = new Map<string, number>()
  for (const { accepted } of history) for (const update of accepted) take(spent, update)
  known.set(history, spent)
  return spent
}

/** What was paid stays paid: a client that says less than before has lost its ledger. */
function take(spent: Map<string, number>, update: AcceptedUpdate): void {
  for (const { client, epsilon } of spentBy(update)) spent.set(client, Math.max(epsilon, spent.get(client) ?? 0))
}
