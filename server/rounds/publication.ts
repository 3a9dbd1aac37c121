import type { Crypto } from '../../core/crypto/primitives.ts'
import { canonicalJsonOfDefined } from '../../core/encoding/canonical-json.ts'
import { pooledMetrics } from '../gates/decide.ts'
import type { Candidate } from '../registry/manifest.ts'
import type { CandidateRecord } from '../store/ports.ts'
import type { ActiveRun } from './active-run.ts'
import { evidenceOf } from './candidate-evidence.ts'
import { spentAfter } from './privacy-settings.ts'
import { recordsOf } from './records-view.ts'
import type { Over, Publishing } from './state.ts'
import { openedRounds, timestamp } from './view.ts'

/** What the registry is told of a candidate that has passed its gates. */
export function candidateOf(crypto: Pick<Crypto, 'sha256'>, state: Publishing, active: ActiveRun): Candidate {
  const { plan } = active
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
    // With SCAFFOLD the run's own first model has control variates beside the weights of the version.
    base: settings.start?.version === undefined ? base.digest : settings.start.sha256,
    rule,
    clients: {
      invited: cohort.length,
      accepted: accepted.length,
      refused: new Set(refused.map(({ client }) => client)).size,
    },
    ...(metrics === undefined ? {} : { metrics }),
    gates: verdicts,
    evidence: evidenceOf(crypto, state, active),
    ...privacyOf(state),
    ...recordsSpentBy(state),
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

/** The client whose rows it cost most. */
function recordsSpentBy(state: Publishing): Pick<Candidate, 'records'> {
  const records = recordsOf(state)
  if (records === undefined) return {}
  const { epsilon, delta, clients } = records
  return { records: { epsilon, delta, clients: clients.length } }
}

/** What is kept of the result of a run that went before its gates, whatever they said. */
export function candidateRecordOf(state: Over): CandidateRecord | undefined {
  const { outcome, settings, history, run, endedAt } = state
  if (outcome.kind !== 'published' && outcome.kind !== 'rejected') return undefined
  return {
    model: settings.model,
    run,
    round: history.findLast(({ model }) => model?.digest === outcome.model.digest)?.round ?? 0,
    weights: outcome.model.digest,
    passed: outcome.kind === 'published',
    gates: canonicalJsonOfDefined({ gates: outcome.verdicts }),
    at: timestamp(endedAt),
  }
}
