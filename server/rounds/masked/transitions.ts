import type { Crypto } from '../../../core/crypto/primitives.ts'
import type { Collecting, Instant, RunState, Unmasking } from '../state.ts'
import { collectingWindow, excluded } from '../window.ts'
import type { Masking } from './masking.ts'
import { type Answered, advanced, answered, expectedOf, type MaskedPart, withDelivered } from './part.ts'

/** A round while clients still do something for its sums. */
export type MaskedRound = (Collecting & { readonly masking: Masking }) | Unmasking

export function isMaskedRound(state: RunState): state is MaskedRound {
  return (state.phase === 'collecting' || state.phase === 'unmasking') && state.masking !== undefined
}

/** The round after a step, what ended it, or that there is nothing more to ask of clients. */
export type Progress =
  | { readonly kind: 'goes-on'; readonly state: MaskedRound }
  | { readonly kind: 'complete'; readonly state: MaskedRound }
  | { readonly kind: 'failed'; readonly state: MaskedRound; readonly message: string }

export function trainingPart(state: MaskedRound): MaskedPart {
  const { masking, cohort, settings } = state
  return {
    masking,
    cohort,
    out: excluded(state),
    stepMs: settings.masked?.stepMs ?? 0,
    inputIsOpen: (outstanding, at) => collectingWindow({ ...state, outstanding }, at) === 'open',
  }
}

/** Takes a client's message of the present step. A message that is refused leaves the state as it is. */
export function withAnswer(crypto: Crypto, state: MaskedRound, answer: Answered): MaskedRound {
  return withMasking(state, answered(crypto, trainingPart(state), answer))
}

/** Notes that the masked vector of a client is stored. */
export function withVector(state: MaskedRound, client: string, digest: string): MaskedRound | undefined {
  const masking = withDelivered(state, client, digest)
  return masking === undefined ? undefined : withMasking(state, masking)
}

/** Goes on to the next step when the present one is over at `at`: everybody answered, or its time is up. */
export function progressOf(crypto: Crypto, state: MaskedRound, at: Instant): Progress {
  const progress = advanced(crypto, trainingPart(state), at)
  const next = withMasking(state, progress.masking)
  return progress.kind === 'failed'
    ? { kind: 'failed', state: next, message: progress.message }
    : { kind: progress.kind, state: next }
}

/** Clients of whom the present step still waits for something. */
export function expectedIn(state: MaskedRound): string[] {
  return expectedOf({ masking: state.masking, out: excluded(state) })
}

function withMasking(state: MaskedRound, masking: Masking): MaskedRound {
  if (masking === state.masking) return state
  const { phase: step } = masking.session
  const phase = step === 'survivors' || step === 'unmask' ? 'unmasking' : 'collecting'
  return { ...state, phase, masking } as MaskedRound
}
