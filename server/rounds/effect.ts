import { assertNever } from './assert-never.ts'
import type { Instant, RunState } from './state.ts'
import { evaluationExpected } from './window.ts'

/** What is to be done outside the machine. Doing one twice does no harm, since a restart does those of the state again. */
export type Effect =
  /** Say who is connected, now and after each change, as long as the run waits. */
  | { readonly type: 'seek-clients' }
  /** Tell the run `time-reached` at this time. */
  | { readonly type: 'arm'; readonly at: Instant }
  | { readonly type: 'offer-training'; readonly clients: readonly string[] }
  | { readonly type: 'aggregate' }
  | { readonly type: 'offer-evaluation'; readonly clients: readonly string[] }
  | { readonly type: 'publish' }
  | { readonly type: 'conclude' }

/**
 * The effects that a state asks for. They follow from the state alone: after a step into it and after a restart they are
 * the same, so nothing about effects needs to be remembered.
 */
export function effectsOf(state: RunState): readonly Effect[] {
  switch (state.phase) {
    case 'waiting':
      return [{ type: 'arm', at: state.since + state.settings.window.minMs }, { type: 'seek-clients' }]
    case 'collecting':
      return [
        { type: 'arm', at: state.openedAt + state.settings.window.minMs },
        { type: 'arm', at: state.openedAt + state.settings.window.maxMs },
        { type: 'offer-training', clients: state.cohort },
      ]
    case 'aggregating':
      return [{ type: 'aggregate' }]
    case 'evaluating':
      return [
        { type: 'arm', at: state.since + state.settings.evaluation.minMs },
        { type: 'arm', at: state.since + state.settings.evaluation.maxMs },
        { type: 'offer-evaluation', clients: evaluationExpected(state) },
      ]
    case 'publishing':
      return [{ type: 'publish' }]
    case 'over':
      return [{ type: 'conclude' }]
    default:
      return assertNever(state)
  }
}
