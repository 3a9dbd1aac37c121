import type { RoundSummary, RunView } from '../../../core/run/view.ts'
import { quartilesOf } from '../quartiles.ts'
import type { Condition } from './alert.ts'
import type { AlertRules } from './settings.ts'

type Found = Omit<Condition, 'subject'> | undefined

/** What is out of the ordinary in one run, which is in its phase since `since`. Times are in milliseconds since the epoch. */
export function runConditions(view: RunView, since: number, now: number, rules: AlertRules): Condition[] {
  const found: readonly Found[] = [
    noQuorum(view, since, now, rules['round-no-quorum']),
    stragglers(view, since, now, rules['round-stragglers']),
    refusals(view, rules['updates-refused']),
    drift(view, rules['norm-drift']),
    budget(view, rules['privacy-budget']),
    ...ended(view, rules),
  ]
  return found.flatMap((one) =>
    one === undefined ? [] : [{ ...one, subject: { kind: 'run', id: view.run } as const }],
  )
}

function noQuorum(
  { phase, history, round, paused }: RunView,
  since: number,
  now: number,
  rule: AlertRules['round-no-quorum'],
): Found {
  if (rule === 'off' || phase === 'over') return undefined
  const alert = { alert: 'round-no-quorum', severity: 'critical' } as const
  const last = history.at(-1)
  if (last?.failure?.code === 'round.quorum') {
    return {
      ...alert,
      summary: `round ${last.round} failed: ${last.accepted.length} of ${last.cohort.length} updates came`,
    }
  }
  if (paused !== undefined || phase !== 'waiting' || now - since < rule.wait) return undefined
  return { ...alert, summary: `round ${round} waits for clients for more than ${minutes(rule.wait)}` }
}

function stragglers(view: RunView, since: number, now: number, rule: AlertRules['round-stragglers']): Found {
  if (rule === 'off' || view.phase === 'over') return undefined
  const late = openStragglers(view, since, now, rule.window) ?? closedStragglers(view.history.at(-1))
  if (late === undefined || late.silent === 0 || late.silent < rule.share * late.of) return undefined
  const summary = `nothing came from ${late.silent} of ${late.of} members of round ${late.round}`
  return { alert: 'round-stragglers', severity: 'warning', summary }
}

type Late = { readonly round: number; readonly silent: number; readonly of: number }

/** Of an open round, once most of its time is over. */
function openStragglers(
  { phase, round, engaged, window }: RunView,
  since: number,
  now: number,
  share: number,
): Late | undefined {
  if (phase !== 'collecting' || window === undefined) return undefined
  const whole = Date.parse(window.closesAt) - since
  if (now - since < share * whole) return undefined
  const silent = engaged.filter((one) => one.phase === 'invited' || one.phase === 'sharing').length
  return { round, silent, of: engaged.length }
}

function closedStragglers(last: RoundSummary | undefined): Late | undefined {
  if (last === undefined) return undefined
  const heard = new Set([...last.accepted, ...last.refused.map(({ client }) => client)])
  return {
    round: last.round,
    silent: last.cohort.filter((client) => !heard.has(client)).length,
    of: last.cohort.length,
  }
}

function refusals({ phase, round, engaged, history }: RunView, rule: AlertRules['updates-refused']): Found {
  if (rule === 'off' || phase === 'over') return undefined
  const last = history.at(-1)
  const open = phase === 'collecting' && engaged.some((one) => one.phase === 'refused' || one.phase === 'accepted')
  const counts = open
    ? { round, refused: having(engaged, 'refused'), accepted: having(engaged, 'accepted') }
    : { round: last?.round ?? 0, refused: last?.refused.length ?? 0, accepted: last?.accepted.length ?? 0 }
  const { refused, accepted } = counts
  if (refused < rule.count || refused < rule.share * (refused + accepted)) return undefined
  const summary = `${refused} updates of round ${counts.round} were refused, ${accepted} accepted`
  return { alert: 'updates-refused', severity: 'warning', summary }
}

function having(engaged: RunView['engaged'], phase: string): number {
  return engaged.filter((one) => one.phase === phase).length
}

/** Deviations from the median that are taken for spread: 1.4826 of them are one standard deviation of a normal distribution. */
const SPREAD = 5 * 1.4826

function drift({ phase, history }: RunView, rule: AlertRules['norm-drift']): Found {
  if (rule === 'off' || phase === 'over') return undefined
  const medians = history.flatMap(({ round, robustness }) => {
    const median = quartilesOf(robustness?.clients.map(({ norm }) => norm) ?? [])?.median
    return median === undefined ? [] : [{ round, median }]
  })
  const last = medians.at(-1)
  const before = medians.slice(0, -1).map(({ median }) => median)
  const usual = quartilesOf(before)?.median
  if (last === undefined || usual === undefined || before.length < rule.rounds) return undefined
  const deviation = quartilesOf(before.map((median) => Math.abs(median - usual)))?.median ?? 0
  if (last.median <= rule.factor * usual || last.median <= usual + SPREAD * deviation) return undefined
  const summary = `the median norm of round ${last.round} is ${last.median.toPrecision(3)}, that of earlier rounds ${usual.toPrecision(3)}`
  return { alert: 'norm-drift', severity: 'warning', summary }
}

function budget({ phase, privacy }: RunView, rule: AlertRules['privacy-budget']): Found {
  if (rule === 'off' || phase === 'over' || privacy?.budget === undefined) return undefined
  if (privacy.epsilon < rule.share * privacy.budget) return undefined
  const of = `${privacy.epsilon.toPrecision(3)} of ${privacy.budget}`
  return { alert: 'privacy-budget', severity: 'warning', summary: `ε = ${of} is spent after ${privacy.rounds} rounds` }
}

function ended({ outcome }: RunView, rules: AlertRules): readonly Found[] {
  if (outcome?.kind === 'rejected' && rules['gates-failed'] !== 'off') {
    const failed = outcome.gates.filter(({ verdict }) => verdict !== 'pass').map(({ gate }) => gate)
    const summary = `${failed.length} of ${outcome.gates.length} gates were not passed: ${failed.join(', ').slice(0, 300)}`
    return [{ alert: 'gates-failed', severity: 'warning', summary }]
  }
  if (outcome?.kind === 'failed' && rules['run-failed'] !== 'off') {
    return [{ alert: 'run-failed', severity: 'critical', summary: `the run failed with ${outcome.code}` }]
  }
  return []
}

function minutes(ms: number): string {
  return `${Math.round(ms / 60_000)} minutes`
}
