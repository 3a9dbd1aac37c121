import type { Standing } from './facts.ts'
import { endOf } from './instants.ts'
import type { Decision, SignedDecision } from './signed.ts'

/**
 * What the decisions about a plan come to at `now`: refused by anybody, approved by as many different keys as `approvals` says
 * (all of them for the same), or still waiting. Undefined where nobody has decided.
 *
 * - `decisions`: one of each key, all about this plan, client and coordinator.
 */
export function standingOf(approvals: number, decisions: readonly SignedDecision[], now: number): Standing | undefined {
  const standing = decisions.filter(({ decision: { until } }) => until === undefined || now < endOf(until))
  const refusal = standing.find(({ decision }) => decision.decision === 'refuse')
  if (refusal !== undefined) return { kind: 'refused', reason: refusal.decision.reason ?? 'no reason was given' }
  let most = 0
  for (const { decision } of standing) {
    const alike = standing.filter((other) => whatOf(other.decision) === whatOf(decision))
    const people = new Set(alike.map(({ key }) => key)).size
    if (people >= approvals) return { kind: 'approved', data: decision.data, study: decision.study }
    most = Math.max(most, people)
  }
  return most === 0 ? undefined : { kind: 'waiting', approved: most, of: approvals }
}

function whatOf({ data, study }: Decision): string {
  return JSON.stringify([data ?? null, study ?? null])
}
