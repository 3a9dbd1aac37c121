import type { RunView } from '../../core/run/view.ts'
import { RUN_SERIES } from './metric-labels.ts'
import type { Metrics } from './metrics.ts'
import { quartilesOf } from './quartiles.ts'

/** Norms of the updates of the last round that made a model, or of its sums; none before there is one. */
export function lastNorms({ history }: Pick<RunView, 'history'>): readonly number[] {
  return (
    history.findLast(({ robustness }) => robustness !== undefined)?.robustness?.clients.map(({ norm }) => norm) ?? []
  )
}

/** Sets what is measured of each run from how the runs stand now, those that started last first. Other runs have no series. */
export function setRunGauges(metrics: Metrics, active: readonly RunView[]): void {
  const views = active.slice(0, RUN_SERIES)
  metrics.replace(
    'runRound',
    views.map(({ run, round }) => ({ labels: { run }, value: round })),
  )
  metrics.replace(
    'runRounds',
    views.map(({ run, rounds }) => ({ labels: { run }, value: rounds })),
  )
  metrics.replace('cohortMembers', views.flatMap(membersOf))
  metrics.replace('updateNorm', views.flatMap(normsOf))
  metrics.replace(
    'epsilon',
    views.flatMap(({ run, privacy }) => (privacy === undefined ? [] : [{ labels: { run }, value: privacy.epsilon }])),
  )
  metrics.replace('budgetRatio', views.flatMap(budgetOf))
}

function membersOf({ run, engaged }: RunView) {
  const counts = new Map<string, number>()
  for (const { phase } of engaged) counts.set(phase, (counts.get(phase) ?? 0) + 1)
  return [...counts].map(([phase, value]) => ({ labels: { run, phase }, value }))
}

function normsOf(view: RunView) {
  const quartiles = Object.entries(quartilesOf(lastNorms(view)) ?? {})
  return quartiles.map(([quartile, value]) => ({ labels: { run: view.run, quartile }, value }))
}

function budgetOf({ run, privacy }: RunView) {
  if (privacy?.budget === undefined) return []
  return [{ labels: { run }, value: privacy.epsilon / privacy.budget }]
}
