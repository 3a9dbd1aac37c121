import { assertNever } from './assert-never.ts'
import { evaluationExpected } from './evaluating.ts'
import { expectedIn, type MaskedRound } from './masked/transitions.ts'
import type { Evaluating, Instant, RunState } from './state.ts'

/** What is to be done outside the machine. Doing one twice does no harm, since a restart does those of the state again. */
export type Effect =
  /** Say who is connected, now and after each change, as long as the run waits. */
  | { readonly type: 'seek-clients' }
  /** Tell the run `time-reached` at this time. */
  | { readonly type: 'arm'; readonly at: Instant }
  | { readonly type: 'offer-training'; readonly clients: readonly string[] }
  /** Tell clients what the present step of a masked round needs. */
  | { readonly type: 'offer-masking-step'; readonly clients: readonly string[] }
  | { readonly type: 'aggregate' }
  | { readonly type: 'offer-evaluation'; readonly clients: readonly string[] }
  /** Open the sum of all masked counts. */
  | { readonly type: 'open-counts' }
  | { readonly type: 'publish' }
  | { readonly type: 'conclude' }

/**
 * The effects that a state asks for. They follow from the state alone: after a step into it and after a restart they are
 * the same, so nothing about effects needs to be remembered.
 */
export function effectsOf(state: RunState): readonly Effect[] {
  switch (state.phase) {
    case 'waiting':
      if (state.paused !== undefined) return []
      return [{ type: 'arm', at: state.since + state.settings.window.minMs }, { type: 'seek-clients' }]
    case 'collecting':
      if (state.masking !== undefined) return maskedEffects({ ...state, masking: state.masking })
      return [
        { type: 'arm', at: state.openedAt + state.settings.window.minMs },
        { type: 'arm', at: state.openedAt + state.settings.window.maxMs },
        { type: 'offer-training', clients: state.cohort },
      ]
    case 'unmasking':
      return maskedEffects(state)
    case 'aggregating':
      return [{ type: 'aggregate' }]
    case 'evaluating':
      return evaluationEffects(state)
    case 'publishing':
      return [{ type: 'publish' }]
    case 'over':
      return [{ type: 'conclude' }]
    default:
      return assertNever(state)
  }
}

function evaluationEffects(state: Evaluating): readonly Effect[] {
  const { settings, since, masked } = state
  const clients = evaluationExpected(state)
  const window: readonly Effect[] = [
    { type: 'arm', at: since + settings.evaluation.minMs },
    { type: 'arm', at: since + settings.evaluation.maxMs },
  ]
  const offer: Effect = { type: 'offer-evaluation', clients }
  if (masked === undefined) return [...window, offer]
  if (masked.complete) return [{ type: 'open-counts' }]
  const step: Effect = { type: 'offer-masking-step', clients }
  const until: Effect = { type: 'arm', at: masked.masking.since + (settings.masked?.stepMs ?? 0) }
  switch (masked.masking.session.phase) {
    case 'advertise':
      return [until, offer, step]
    case 'input':
      return [...window, step]
    case 'share':
    case 'survivors':
    case 'unmask':
      return [until, step]
    default:
      return assertNever(masked.masking.session)
  }
}

function maskedEffects(state: MaskedRound): readonly Effect[] {
  const { masking, settings, openedAt, cohort } = state
  const step: Effect = { type: 'offer-masking-step', clients: expectedIn(state) }
  const until: Effect = { type: 'arm', at: masking.since + (settings.masked?.stepMs ?? 0) }
  switch (masking.session.phase) {
    case 'advertise':
      return [until, { type: 'offer-training', clients: cohort }, step]
    case 'input':
      return [
        { type: 'arm', at: openedAt + settings.window.minMs },
        { type: 'arm', at: openedAt + settings.window.maxMs },
        step,
      ]
    case 'share':
    case 'survivors':
    case 'unmask':
      return [until, step]
    default:
      return assertNever(masking.session)
  }
}
