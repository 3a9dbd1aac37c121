import { pooledMetrics } from '../gates/decide.ts'
import type { Candidate } from '../registry/manifest.ts'
import type { ActiveRun } from './active-run.ts'
import { spentAfter } from './privacy-settings.ts'
import type { Publishing } from './state.ts'
import { openedRounds } from './view.ts'

/** What the registry is told of a candidate that has passed its gates. */
export function candidateOf(state: Publishing, { plan }: ActiveRun): Candidate {
  const { settings, base, candidate, verdicts } = state
  const { cohort, accepted, refused } = candidate
  const metrics = pooledMetrics(candidate)
  const [rule = 'mean'] = Object.keys(plan.aggregation.rule)
  return {
    model: settings.model,
    run: state.run,
    round: candidate.round,
    weights: candidate.weights ?? candidate.model,
    layout: settings.control?.layout ?? settings.layout,
    parameters: settings.control?.parameters ?? settings.parameters,
    plan: settings.plan.digest,
    base: base.digest,
    rule,
    clients: {
      invited: cohort.length,
      accepted: accepted.length,
      refused: new Set(refused.map(({ client }) => client)).size,
    },
    ...(metrics === undefined ? {} : { metrics }),
    gates: verdicts,
    ...privacyOf(state),
  }
}

/** All rounds of the run were paid for, those after the candidate too: they saw the same clients. */
function privacyOf(state: Publishing): Pick<Candidate, 'privacy'> {
  const { privacy } = state.settings
  if (privacy === undefined) return {}
  const rounds = openedRounds(state)
  const { epsilon, delta } = spentAfter(privacy, rounds)
  const { mechanism, neighbours } = privacy.spend
  return { privacy: { epsilon, delta, rounds, mechanism, neighbours } }
}
