import type { Crypto } from '../../core/crypto/primitives.ts'
import type { RunEvent } from './event.ts'
import { openEvaluationMasking } from './masked/open.ts'
import { advanced, answered, expectedOf, type MaskedPart, withDelivered } from './masked/part.ts'
import type { Aggregating, Evaluating, Instant, MaskedCounts } from './state.ts'
import { evaluatingWindow } from './window.ts'

type Event<T extends RunEvent['type']> = Extract<RunEvent, { readonly type: T }>

/** An evaluation after an event, and whether there is nothing more to wait for. */
export type EvaluationStep = { readonly state: Evaluating; readonly done: boolean }

/** Begins to evaluate what a round made. Where counts are masked, a session of its own begins, with fresh keys. */
export function beginEvaluation(
  crypto: Crypto,
  { masking, ...collected }: Aggregating,
  made: Evaluating['made'],
  { at, champion, entropy }: Event<'aggregated'>,
): EvaluationStep {
  const state: Evaluating = {
    ...collected,
    phase: 'evaluating',
    since: at,
    made,
    ...(champion === undefined ? {} : { champion }),
    results: [],
    declined: [],
  }
  const { counts } = state.settings.evaluation
  if (counts === undefined) return { state, done: false }
  const keys = identitiesOf(masking)
  const opened = openEvaluationMasking(crypto, { state, keys, entropy: entropy ?? '', at })
  if (opened === undefined) return failed(state, `no threshold fits a cohort of ${state.cohort.length}`)
  return { state: { ...state, masked: { masking: opened, vectors: [], complete: false } }, done: false }
}

/** Ed25519 keys of the cohort, as the round's training had them. */
function identitiesOf(masking: Aggregating['masking']): Readonly<Record<string, string>> {
  const { session } = masking ?? {}
  if (session === undefined) return {}
  if (session.phase === 'advertise') return session.identities
  return Object.fromEntries(session.rows.map(({ client, identityKey }) => [client, identityKey]))
}

export function whileEvaluating(crypto: Crypto, state: Evaluating, event: RunEvent): EvaluationStep {
  if (isMasked(state)) return whileMasked(crypto, state, event)
  switch (event.type) {
    case 'evaluated': {
      if (event.round !== state.round || !mayEvaluate(state, event.result.client)) return { state, done: false }
      return whenDone({ ...state, results: [...state.results, event.result].sort(byClient) }, event.at)
    }
    case 'declined':
      return whenDone(withDecline(state, event), event.at)
    case 'time-reached':
      return whenDone(state, event.at)
    default:
      return { state, done: false }
  }
}

type MaskedEvaluating = Evaluating & { readonly masked: MaskedCounts }

function isMasked(state: Evaluating): state is MaskedEvaluating {
  return state.masked !== undefined
}

function whileMasked(crypto: Crypto, state: MaskedEvaluating, event: RunEvent): EvaluationStep {
  if (state.masked.complete) {
    if (event.type === 'counts-opened' && event.round === state.round) {
      return { state: { ...state, results: [event.result] }, done: true }
    }
    if (event.type === 'counts-unopened' && event.round === state.round) return failed(state, event.message)
    return { state, done: false }
  }
  const next = afterAnswer(crypto, state, event)
  if (next === state && event.type !== 'time-reached') return { state, done: false }
  const progress = advanced(crypto, evaluationPart(next), event.at)
  if (progress.kind === 'failed') return failed(next, progress.message)
  const complete = progress.kind === 'complete'
  if (progress.masking === next.masked.masking && !complete) return { state: next, done: false }
  return { state: { ...next, masked: { ...next.masked, masking: progress.masking, complete } }, done: false }
}

function afterAnswer(crypto: Crypto, state: MaskedEvaluating, event: RunEvent): MaskedEvaluating {
  const { masked } = state
  switch (event.type) {
    case 'masking-answer': {
      if (event.round !== state.round) return state
      const masking = answered(crypto, evaluationPart(state), event)
      return masking === masked.masking ? state : { ...state, masked: { ...masked, masking } }
    }
    case 'counts-masked': {
      const { client, vector, digest } = event
      if (event.round !== state.round || !mayEvaluate(state, client)) return state
      const masking = withDelivered(masked, client, digest)
      if (masking === undefined) return state
      return { ...state, masked: { ...masked, masking, vectors: [...masked.vectors, { client, vector }] } }
    }
    case 'declined': {
      // Also of one whose counts are in: without it the sum may still be opened, and nobody need wait for it.
      const { round, kind, client, code, message } = event
      if (round !== state.round || kind !== 'evaluate' || !state.cohort.includes(client)) return state
      if (state.declined.some((decline) => decline.client === client)) return state
      return { ...state, declined: [...state.declined, { client, code, message }] }
    }
    default:
      return state
  }
}

function withDecline(state: Evaluating, event: Event<'declined'>): Evaluating {
  if (event.round !== state.round || event.kind !== 'evaluate' || !mayEvaluate(state, event.client)) return state
  const { client, code, message } = event
  return { ...state, declined: [...state.declined, { client, code, message }] }
}

/** What the steps of masked counts depend on. */
function evaluationPart(state: MaskedEvaluating): MaskedPart {
  const { masked, cohort, declined, settings, since } = state
  const { minMs, maxMs } = settings.evaluation
  return {
    masking: masked.masking,
    cohort,
    out: new Set(declined.map(({ client }) => client)),
    stepMs: settings.masked?.stepMs ?? 0,
    inputIsOpen: (outstanding, at) => outstanding > 0 && at - since < (enough(state) ? minMs : maxMs),
  }
}

function enough({ masked }: MaskedEvaluating): boolean {
  return masked.vectors.length >= masked.masking.session.configuration.minimum
}

/** The steps of masked counts while clients still do something for them. */
export function openPart(state: Evaluating): MaskedPart | undefined {
  return isMasked(state) && !state.masked.complete ? evaluationPart(state) : undefined
}

/** Whether this client may still hand in an evaluation for the open round. */
export function mayEvaluate(state: Evaluating, client: string): boolean {
  return (
    state.cohort.includes(client) &&
    !state.results.some((result) => result.client === client) &&
    !state.masked?.vectors.some((vector) => vector.client === client) &&
    !state.declined.some((decline) => decline.client === client)
  )
}

/** Clients that are still asked for something, in the order of the cohort. */
export function evaluationExpected(state: Evaluating): string[] {
  const part = openPart(state)
  if (part !== undefined) return expectedOf(part)
  return state.cohort.filter((client) => mayEvaluate(state, client))
}

function whenDone(state: Evaluating, at: Instant): EvaluationStep {
  // An evaluation that too few answered is no failure of the round: the model exists, and the gates judge what is known.
  return { state, done: evaluatingWindow(state, at) !== 'open' }
}

function failed(state: Evaluating, message: string): EvaluationStep {
  return { state: { ...state, failure: { code: 'masking.failed', message } }, done: true }
}

function byClient(a: { readonly client: string }, b: { readonly client: string }): number {
  return a.client < b.client ? -1 : 1
}
