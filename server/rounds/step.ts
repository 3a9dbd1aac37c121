import type { Crypto } from '../../core/crypto/primitives.ts'
import type { ErrorCode } from '../../core/errors/index.ts'
import { decideGates } from '../gates/decide.ts'
import { hasStalled } from '../gates/early-stop.ts'
import { selectCandidate } from '../gates/select.ts'
import { assertNever } from './assert-never.ts'
import { drawCohort } from './cohort.ts'
import { type Effect, effectsOf } from './effect.ts'
import { beginEvaluation, type EvaluationStep, whileEvaluating } from './evaluating.ts'
import type { RunEvent } from './event.ts'
import type { Masking } from './masked/masking.ts'
import { openMasking } from './masked/open.ts'
import { type MaskedRound, progressOf, withAnswer, withVector } from './masked/transitions.ts'
import { affords } from './privacy-settings.ts'
import type {
  AcceptedUpdate,
  Aggregating,
  Collecting,
  Evaluating,
  Instant,
  Made,
  MadeRound,
  Over,
  Publishing,
  Refusal,
  RoundRecord,
  RunState,
  Unmasking,
  Waiting,
} from './state.ts'
import { collectingWindow, declineCode, evaluationDue, excluded, haveSpentAll } from './window.ts'

/** Rounds that may fail one after the other before the run does. */
export const PATIENCE = 3

type Event<T extends RunEvent['type']> = Extract<RunEvent, { readonly type: T }>

/**
 * The round machine: the state after an event, and what is to be done then. Pure: no clock, no randomness, no waiting.
 * An event that means nothing in a state returns that same state; then nothing is journalled and nothing is done.
 * Effects are those that the new state asks for, when the phase, its step or the round changed.
 */
export function step(
  crypto: Crypto,
  state: RunState | undefined,
  event: RunEvent,
): [state: RunState | undefined, effects: readonly Effect[]] {
  const next = transition(crypto, state, event)
  if (next === undefined || next === state) return [state, []]
  const entered =
    state === undefined ||
    next.phase !== state.phase ||
    next.round !== state.round ||
    (next.phase === 'waiting' && next.paused !== state.paused) ||
    maskingStepOf(next) !== maskingStepOf(state)
  return [next, entered ? effectsOf(next) : []]
}

function transition(crypto: Crypto, state: RunState | undefined, event: RunEvent): RunState | undefined {
  if (state === undefined) return event.type === 'started' ? begin(event) : undefined
  if (state.phase === 'over') return state
  if (event.type === 'stop-requested') return stopped(state, event)
  if (event.type === 'pause-requested') return paused(state, event)
  if (event.type === 'resume-requested') return resumed(state, event)
  switch (state.phase) {
    case 'waiting':
      return whileWaiting(crypto, state, event)
    case 'collecting':
      return whileCollecting(crypto, state, event)
    case 'unmasking':
      return whileMasked(crypto, state, event)
    case 'aggregating':
      return whileAggregating(crypto, state, event)
    case 'evaluating':
      return evaluated(whileEvaluating(crypto, state, event), event.at)
    case 'publishing':
      return whilePublishing(state, event)
    default:
      return assertNever(state)
  }
}

function begin({ at, run, settings, base }: Event<'started'>): Waiting {
  return {
    phase: 'waiting',
    run,
    startedAt: at,
    settings,
    base,
    model: base,
    round: 1,
    completed: 0,
    failures: 0,
    history: [],
    since: at,
    available: [],
    entropy: '',
  }
}

function stopped(state: RunState, { at, reason }: Event<'stop-requested'>): Over {
  return { ...running(state), phase: 'over', endedAt: at, outcome: { kind: 'stopped', reason } }
}

/** An open round comes to its end, with all that clients have done for it; no other is opened. */
function paused(state: Open, { at, reason }: Event<'pause-requested'>): Open {
  return state.paused === undefined ? { ...state, paused: { at, reason } } : state
}

function resumed(state: Open, { at }: Event<'resume-requested'>): Open {
  if (state.paused === undefined) return state
  const { paused: _over, ...rest } = state
  // The time that a run waits for clients does not run while it is paused.
  return rest.phase === 'waiting' ? { ...rest, since: at } : rest
}

function whileWaiting(crypto: Crypto, state: Waiting, event: RunEvent): RunState {
  if (state.paused !== undefined) return state
  if (event.type !== 'clients-available' && event.type !== 'time-reached') return state
  const told = event.type === 'clients-available' ? event : { ...state, clients: state.available }
  const { cohortSize, window, population = 0 } = state.settings
  const holding = event.type === 'clients-available' ? (event.holding ?? 0) : 0
  const wanted = event.at - state.since >= window.minMs ? window.min : Math.max(window.min, cohortSize - holding)
  const needed = Math.max(population, wanted)
  if (told.clients.length < needed) {
    if (event.type !== 'clients-available') return state
    const { clients: available, entropy, keys } = event
    return { ...state, available, entropy, ...(keys === undefined ? {} : { keys }) }
  }
  const cohort = drawCohort(crypto, told.clients, cohortSize, told.entropy)
  const collecting: Collecting = {
    ...running(state),
    phase: 'collecting',
    openedAt: event.at,
    cohort,
    accepted: [],
    refused: [],
  }
  const { masked } = state.settings
  if (masked === undefined) return collecting
  const { entropy, keys = {} } = told
  const masking = openMasking(crypto, { state, masked, cohort, keys, entropy, clip: clipOf(state), at: event.at })
  if (masking !== undefined) return { ...collecting, masking }
  return roundFailed(collecting, event.at, 'masking.failed', `no threshold fits a cohort of ${cohort.length}`)
}

function whileCollecting(crypto: Crypto, state: Collecting, event: RunEvent): RunState {
  if (isMasked(state)) return whileMasked(crypto, state, event)
  switch (event.type) {
    case 'update-accepted': {
      const { client } = event.update
      if (event.round !== state.round || !mayUpdate(state, client)) return state
      return closeWhenDone({ ...state, accepted: withUpdate(state.accepted, event.update) }, event.at)
    }
    case 'update-refused':
    case 'declined': {
      if (event.round !== state.round || !mayUpdate(state, event.client)) return state
      if (event.type === 'declined' && event.kind !== 'train') return state
      return closeWhenDone({ ...state, refused: [...state.refused, refusalOf(event)] }, event.at)
    }
    case 'time-reached':
      return closeWhenDone(state, event.at)
    default:
      return state
  }
}

function refusalOf(event: Event<'update-refused' | 'declined'>): Refusal {
  const { client, code, message } = event
  return { client, code: event.type === 'declined' ? declineCode(code) : code, message }
}

/** A round whose updates are masked, from its first step until nothing more is asked of clients. */
function whileMasked(crypto: Crypto, state: MaskedRound, event: RunEvent): RunState {
  const next = maskedAfter(crypto, state, event)
  if (next === state && event.type !== 'time-reached') return state
  const progress = progressOf(crypto, next, event.at)
  switch (progress.kind) {
    case 'goes-on':
      return progress.state
    case 'complete':
      return { ...progress.state, phase: 'aggregating' }
    case 'failed':
      return roundFailed(progress.state, event.at, 'masking.failed', progress.message)
    default:
      return assertNever(progress)
  }
}

function maskedAfter(crypto: Crypto, state: MaskedRound, event: RunEvent): MaskedRound {
  switch (event.type) {
    case 'masking-answer':
      return event.round === state.round ? withAnswer(crypto, state, event) : state
    case 'update-accepted': {
      const { client, header } = event.update
      if (state.phase !== 'collecting' || event.round !== state.round || !mayUpdate(state, client)) return state
      const stored = withVector(state, client, header.vector ?? '')
      return stored === undefined ? state : { ...stored, accepted: withUpdate(state.accepted, event.update) }
    }
    case 'update-refused':
    case 'declined': {
      if (event.round !== state.round || !state.cohort.includes(event.client)) return state
      if (excluded(state).has(event.client) || (event.type === 'declined' && event.kind !== 'train')) return state
      return { ...state, refused: [...state.refused, refusalOf(event)] }
    }
    default:
      return state
  }
}

function isMasked(state: Collecting): state is Collecting & { readonly masking: Masking } {
  return state.masking !== undefined
}

/** The step of masked updates or counts that is open; undefined in every other state. */
function maskingStepOf(state: RunState): Masking['session']['phase'] | 'opening' | undefined {
  if (state.phase === 'evaluating') return state.masked?.complete ? 'opening' : state.masked?.masking.session.phase
  return state.phase === 'collecting' || state.phase === 'unmasking' ? state.masking?.session.phase : undefined
}

/** The largest norm of an update in the open or coming round, where the plan clips. */
export function clipOf(state: RunState): number | undefined {
  const { settings, history } = state
  if (settings.clip === undefined) return undefined
  return history.findLast(({ memory }) => memory?.clip !== undefined)?.memory?.clip ?? settings.clip
}

/** The updates in the order of client ids, which those that are there have already: cohorts may have thousands. */
function withUpdate(accepted: readonly AcceptedUpdate[], update: AcceptedUpdate): AcceptedUpdate[] {
  let [low, high] = [0, accepted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((accepted[middle]?.client ?? '') < update.client) low = middle + 1
    else high = middle
  }
  return accepted.toSpliced(low, 0, update)
}

/** Whether this client may still hand in an update for the open round. */
export function mayUpdate(state: Collecting, client: string): boolean {
  return (
    state.cohort.includes(client) &&
    !state.accepted.some((update) => update.client === client) &&
    !excluded(state).has(client)
  )
}

function closeWhenDone(state: Collecting, at: Instant): RunState {
  const verdict = collectingWindow(state, at)
  switch (verdict) {
    case 'open':
      return state
    case 'close':
      return { ...state, phase: 'aggregating' }
    case 'fail': {
      const { accepted, settings } = state
      return roundFailed(
        state,
        at,
        'round.quorum',
        `${accepted.length} of at least ${settings.window.min} updates came`,
      )
    }
    default:
      return assertNever(verdict)
  }
}

function whileAggregating(crypto: Crypto, state: Aggregating, event: RunEvent): RunState {
  if (event.type === 'aggregation-failed' && event.round === state.round) {
    return roundFailed(state, event.at, event.code, event.message)
  }
  if (event.type !== 'aggregated' || event.round !== state.round) return state
  const made = madeBy(event)
  if (!evaluationDue(state.settings, state.completed + 1, state.round)) {
    return roundDone(state, { ...recordOf(state, event.at), ...made }, event.at)
  }
  return evaluated(beginEvaluation(crypto, state, made, event), event.at)
}

/** What an evaluation came to: it goes on, or the round is over with what is known. */
function evaluated({ state, done }: EvaluationStep, at: Instant): RunState {
  if (!done) return state
  const { made, champion, results, failure } = state
  const record = {
    ...recordOf(state, at),
    ...made,
    results,
    ...(champion === undefined ? {} : { champion }),
    ...(failure === undefined ? {} : { unevaluated: failure }),
  }
  return roundDone(state, record, at)
}

function whilePublishing(state: Publishing, event: RunEvent): Publishing | Over {
  if (event.type === 'publication-failed') {
    const outcome = { kind: 'failed', code: event.code, message: event.message } as const
    return { ...running(state), phase: 'over', endedAt: event.at, outcome }
  }
  if (event.type !== 'published') return state
  const { candidate, verdicts } = state
  const outcome = { kind: 'published', version: event.version, model: candidate.model, verdicts } as const
  return { ...running(state), phase: 'over', endedAt: event.at, outcome }
}

type Open = Exclude<RunState, Over>

type OpenRound = Collecting | Unmasking | Aggregating | Evaluating

function madeBy(event: Event<'aggregated'>): Made {
  const { type: _type, at: _at, round: _round, champion: _champion, entropy: _entropy, ...made } = event
  return made
}

function recordOf(state: OpenRound, at: Instant): RoundRecord {
  const { round, openedAt, cohort, accepted, refused } = state
  return { round, openedAt, closedAt: at, cohort, accepted, refused, results: [] }
}

function roundDone(state: OpenRound, record: MadeRound, at: Instant): RunState {
  const history = [...state.history, record]
  const completed = state.completed + 1
  const progress = { ...running(state), model: record.model, completed, failures: 0, history }
  const { settings, round } = state
  const goesOn =
    completed < settings.rounds &&
    !hasStalled(history, settings.stop, settings.evaluation) &&
    affords(settings.privacy, round + 1)
  return goesOn ? waitForNext({ ...progress, round: round + 1 }, at) : concluded(progress, at)
}

type Progressed = Omit<Waiting, 'phase' | 'since' | 'available' | 'entropy'>

/** No more rounds: the best of those that were evaluated is held against its gates. */
function concluded(progress: Progressed, at: Instant): RunState {
  const { history, settings } = progress
  const candidate = selectCandidate(history, settings.select, settings.evaluation)
  if (candidate === undefined) {
    return {
      ...progress,
      phase: 'over',
      endedAt: at,
      outcome: { kind: 'failed', code: 'gate.failed', message: 'no round made a model that was evaluated' },
    }
  }
  const verdicts = decideGates(settings.gates, candidate, settings.evaluation)
  const passed = verdicts.length > 0 && verdicts.every(({ verdict }) => verdict === 'pass')
  if (passed) return { ...progress, phase: 'publishing', candidate, verdicts }
  return { ...progress, phase: 'over', endedAt: at, outcome: { kind: 'rejected', model: candidate.model, verdicts } }
}

function roundFailed(state: OpenRound, at: Instant, code: ErrorCode, message: string): RunState {
  const failures = waitsForPeople(state) ? state.failures : state.failures + 1
  const history = [...state.history, { ...recordOf(state, at), failure: { code, message } }]
  const progress = { ...running(state), failures, history }
  const evaluated = history.some(({ results }) => results.length > 0)
  if (failures >= PATIENCE) {
    if (evaluated && haveSpentAll(state)) return concluded(progress, at)
    return { ...progress, phase: 'over', endedAt: at, outcome: { kind: 'failed', code, message } }
  }
  if (affords(state.settings.privacy, state.round + 1)) {
    return waitForNext({ ...progress, round: state.round + 1 }, at)
  }
  if (evaluated) return concluded(progress, at)
  const exhausted = `the privacy budget is spent, and no round made a model that was evaluated; the last: ${message}`
  return {
    ...progress,
    phase: 'over',
    endedAt: at,
    outcome: { kind: 'failed', code: 'privacy.budget-exhausted', message: exhausted },
  }
}

/** Whether the round would have had its quorum, had people at some clients decided about the plan: that is no fault of the run. */
function waitsForPeople(state: OpenRound): boolean {
  const holding = new Set(state.refused.flatMap(({ client, code }) => (code === 'node.plan-held' ? [client] : [])))
  const out = [...excluded(state)].filter((client) => !holding.has(client)).length
  return holding.size > 0 && state.cohort.length - out >= state.settings.window.min
}

function waitForNext(progress: Progressed, at: Instant): Waiting {
  return { ...progress, phase: 'waiting', since: at, available: [], entropy: '' }
}

/** The members that every state has, without those of one phase. */
function running(state: RunState): Progressed {
  const { run, startedAt, settings, base, model, round, completed, failures, history, paused } = state
  const common = { run, startedAt, settings, base, model, round, completed, failures, history }
  return paused === undefined ? common : { ...common, paused }
}
