import { instantOf } from '../../core/audit/record.ts'
import type { AuditEntry } from '../../core/audit/sink.ts'
import type { Crypto } from '../../core/crypto/primitives.ts'
import { toHex, utf8 } from '../../core/encoding/bytes.ts'
import { canonicalJson } from '../../core/encoding/canonical-json.ts'
import type { GateVerdict } from '../../core/run/view.ts'
import type { Outcome, RoundRecord, RunState } from './state.ts'

type Fact = Pick<AuditEntry, 'action' | 'object' | 'outcome' | 'code' | 'details'>

/** How much of a run is recorded. Changed as facts are taken from its state. */
export type Recorded = {
  started: boolean
  opened: number
  /** The newest round whose model was given to be evaluated. */
  evaluated: number
  rounds: number
  decided: boolean
  ended: boolean
}

export const nothingRecorded = (): Recorded => ({
  started: false,
  opened: 0,
  evaluated: 0,
  rounds: 0,
  decided: false,
  ended: false,
})

/** What a run’s state says that was not recorded yet, in its order. */
export function* factsOf(crypto: Pick<Crypto, 'sha256'>, state: RunState, recorded: Recorded): Generator<Fact> {
  const { run, history } = state
  if (!recorded.started) yield startOf(state)
  recorded.started = true
  for (const record of history.slice(recorded.rounds)) {
    if (record.round > recorded.opened) yield openingOf(crypto, run, record)
    const evaluated = record.results.length > 0 || record.unevaluated !== undefined
    if (evaluated && record.round > recorded.evaluated) yield evaluationOf(run, record)
    yield endOfRound(run, record)
    recorded.evaluated = Math.max(recorded.evaluated, record.round)
    recorded.opened = Math.max(recorded.opened, record.round)
  }
  recorded.rounds = history.length
  if ('openedAt' in state && state.round > recorded.opened) {
    recorded.opened = state.round
    yield openingOf(crypto, run, state)
  }
  if (state.phase === 'evaluating' && state.round > recorded.evaluated) {
    recorded.evaluated = state.round
    yield evaluationOf(run, { ...state.made, round: state.round, cohort: state.cohort })
  }
  const candidate = candidateOf(state)
  if (candidate !== undefined && !recorded.decided) {
    recorded.decided = true
    yield* verdictsOf(state, candidate)
  }
  if (state.phase === 'over' && !recorded.ended) {
    recorded.ended = true
    yield endOf(run, state.outcome)
  }
}

function startOf({ run, settings, startedAt, base }: RunState): Fact {
  const { model, plan, rounds, masked, start } = settings
  const details = {
    model,
    plan: plan.digest,
    rounds,
    mode: masked === undefined ? 'sealed' : 'masked',
    base: start?.sha256 ?? base.digest,
    startedAt: instantOf(startedAt),
  }
  return { action: 'run.start', object: { kind: 'run', id: run }, details }
}

/** Names where they are few; of many their SHA-256, over canonical JSON of the list, says who was meant. */
const NAMES = 400

function openingOf(
  crypto: Pick<Crypto, 'sha256'>,
  run: string,
  { round, cohort, openedAt }: Pick<RoundRecord, 'round' | 'cohort' | 'openedAt'>,
): Fact {
  const names = cohort.join(' ')
  const digest = toHex(crypto.sha256(utf8(canonicalJson(cohort))))
  const details = {
    clients: cohort.length,
    cohort: names.length <= NAMES ? names : undefined,
    cohortSha256: digest,
    openedAt: instantOf(openedAt),
  }
  return { action: 'round.open', object: roundOf(run, round), details }
}

function evaluationOf(
  run: string,
  { round, cohort, model, weights }: Pick<RoundRecord, 'round' | 'cohort' | 'model' | 'weights'>,
): Fact {
  const details = { model: (weights ?? model)?.digest, clients: cohort.length }
  return { action: 'evaluation.open', object: roundOf(run, round), details }
}

function endOfRound(run: string, { round, accepted, refused, model, weights, failure, closedAt }: RoundRecord): Fact {
  const details = { accepted: accepted.length, refused: refused.length, closedAt: instantOf(closedAt) }
  const object = roundOf(run, round)
  if (model === undefined) {
    const { code = 'round.quorum', message } = failure ?? {}
    return { action: 'round.fail', object, outcome: 'failed', code, details: { ...details, message } }
  }
  return { action: 'round.close', object, details: { ...details, model: (weights ?? model).digest } }
}

type Decided = { readonly digest: string; readonly verdicts: readonly GateVerdict[] }

function candidateOf(state: RunState): Decided | undefined {
  if (state.phase === 'publishing') return { digest: state.candidate.model.digest, verdicts: state.verdicts }
  if (state.phase !== 'over' || !('verdicts' in state.outcome)) return undefined
  return { digest: state.outcome.model.digest, verdicts: state.outcome.verdicts }
}

function* verdictsOf({ run, settings, history }: RunState, { digest, verdicts }: Decided): Generator<Fact> {
  const made = history.findLast(({ model }) => model?.digest === digest)
  const details = { model: settings.model, round: made?.round, weights: made?.weights?.digest ?? digest }
  yield { action: 'model.candidate', object: { kind: 'candidate', id: run }, details }
  for (const { gate, verdict, value, bound, explanation } of verdicts) {
    const end = verdict === 'pass' ? {} : ({ outcome: 'failed', code: 'gate.failed' } as const)
    const figures = { value: decimal(value), bound: decimal(bound) }
    const object = { kind: 'gate', id: `${run}/${gate}` }
    yield { action: 'gate.decide', object, ...end, details: { verdict, ...figures, explanation } }
  }
}

function endOf(run: string, outcome: Outcome): Fact {
  const object = { kind: 'run', id: run }
  const fact = { action: 'run.end', object } as const
  switch (outcome.kind) {
    case 'published':
      return { ...fact, details: { end: outcome.kind, version: outcome.version } }
    case 'stopped':
      return { ...fact, details: { end: outcome.kind, reason: outcome.reason } }
    case 'rejected':
      return { ...fact, outcome: 'failed', code: 'gate.failed', details: { end: outcome.kind } }
    case 'failed':
      return {
        ...fact,
        outcome: 'failed',
        code: outcome.code,
        details: { end: outcome.kind, message: outcome.message },
      }
    default:
      return outcome satisfies never
  }
}

function roundOf(run: string, round: number): AuditEntry['object'] {
  return { kind: 'round', id: `${run}/${round}` }
}

/** Records know no fractions. */
function decimal(value: number | null): string | undefined {
  return value === null ? undefined : String(value)
}
