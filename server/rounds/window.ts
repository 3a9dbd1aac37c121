import type { ErrorCode } from '../../core/errors/index.ts'
import { affords } from './privacy-settings.ts'
import type { Collecting, Evaluating, Instant, RunSettings } from './state.ts'

export type WindowVerdict = 'open' | 'close' | 'fail'

/** Whether the phase that collects updates goes on, at `now`. */
export function collectingWindow(
  state: Pick<Collecting, 'settings' | 'accepted' | 'openedAt' | 'cohort' | 'refused'> & {
    readonly outstanding?: number
  },
  now: Instant,
): WindowVerdict {
  const { min, max, minMs, maxMs } = state.settings.window
  return windowVerdict({
    count: state.accepted.length,
    outstanding: state.outstanding ?? outstanding(state),
    bounds: { min, max, minMs, maxMs },
    elapsed: now - state.openedAt,
  })
}

/** Whether the phase that collects evaluations goes on, at `now`. */
export function evaluatingWindow(state: Evaluating, now: Instant): WindowVerdict {
  const { min, minMs, maxMs } = state.settings.evaluation
  return windowVerdict({
    count: state.results.length,
    outstanding: state.cohort.length - state.results.length - state.declined.length,
    bounds: { min, max: state.cohort.length, minMs, maxMs },
    elapsed: now - state.since,
  })
}

/** How many clients of the cohort may still send an update: those who sent one are not excluded, nor the reverse. */
export function outstanding({
  cohort,
  accepted,
  ...state
}: Pick<Collecting, 'settings' | 'accepted' | 'cohort' | 'refused'>): number {
  return cohort.length - accepted.length - excluded(state).size
}

/** Refusals after which a client has nothing more to do in the round. */
const final: ReadonlySet<ErrorCode> = new Set([
  'client.training-failed',
  'node.plan-refused',
  'node.plan-held',
  'masking.refused',
  'privacy.budget-exhausted',
  'auth.revoked',
  'auth.suspended',
  'auth.certificate-expired',
])

/** What clients decline with that is no failure of their training. */
export function declineCode(code: ErrorCode): ErrorCode {
  return final.has(code) ? code : 'client.training-failed'
}

/** Clients that were refused so often, or declined, that they are out of the round. */
export function excluded(state: Pick<Collecting, 'refused' | 'settings'>): ReadonlySet<string> {
  const refusals = new Map<string, number>()
  const out = new Set<string>()
  for (const { client, code } of state.refused) {
    const count = (refusals.get(client) ?? 0) + 1
    refusals.set(client, count)
    if (count >= state.settings.maxRefusals || final.has(code)) out.add(client)
  }
  return out
}

/** Whether the round lacks its quorum for clients whose privacy, or that of their rows, is spent: more rounds will not change that. */
export function haveSpentAll({
  cohort,
  refused,
  settings,
}: Pick<Collecting, 'cohort' | 'refused' | 'settings'>): boolean {
  const spent = new Set(refused.flatMap(({ client, code }) => (code === 'privacy.budget-exhausted' ? [client] : [])))
  return cohort.length - spent.size < settings.window.min
}

/** Whether the model of round `round`, with which `completed` rounds have made one, is evaluated: the last one always is. */
export function evaluationDue(settings: RunSettings, completed: number, round: number): boolean {
  const last = completed >= settings.rounds || !affords(settings.privacy, round + 1)
  return last || completed % settings.evaluation.every === 0
}

function windowVerdict(window: {
  count: number
  outstanding: number
  bounds: { min: number; max: number; minMs: number; maxMs: number }
  elapsed: number
}): WindowVerdict {
  const { count, bounds, elapsed } = window
  if (count >= bounds.max) return 'close'
  if (count >= bounds.min && (elapsed >= bounds.minMs || window.outstanding === 0)) return 'close'
  if (elapsed >= bounds.maxMs || count + window.outstanding < bounds.min) return 'fail'
  return 'open'
}
