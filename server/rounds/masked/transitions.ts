import type { Envelope } from '../../../core/crypto/envelope.ts'
import type { Crypto } from '../../../core/crypto/primitives.ts'
import { fromHex, utf8 } from '../../../core/encoding/bytes.ts'
import {
  awaited,
  type CoordinatorState,
  closePhase,
  delivered,
  type SessionFailure,
  type TakeRefusal,
  take,
} from '../../../core/secagg/index.ts'
import type { RunEvent } from '../event.ts'
import type { Collecting, Instant, RunState, Unmasking } from '../state.ts'
import { collectingWindow, excluded } from '../window.ts'
import type { Masking } from './masking.ts'

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

type Answered = Extract<RunEvent, { readonly type: 'masking-answer' }>

/** Takes a client's message of the present step. A message that is refused leaves the state as it is: `wrongAnswer` says why. */
export function withAnswer(crypto: Crypto, state: MaskedRound, { client, message }: Answered): MaskedRound {
  if (excluded(state).has(client)) return state
  const { session } = state.masking
  const { state: next, receipt } = take({ crypto }, session, client, envelopeOf(message))
  return receipt.ok && next !== session ? withSession(state, next) : state
}

/** What only an honest client can send twice or late: the round goes on as if it had not come. */
const harmless: ReadonlySet<TakeRefusal> = new Set(['wrong-phase', 'duplicate'])

/** Why `withAnswer` leaves the state as it is, where the message is one that no honest client sends. */
export function wrongAnswer(crypto: Crypto, state: MaskedRound, { client, message }: Answered): string | undefined {
  if (excluded(state).has(client) || !state.cohort.includes(client)) return undefined
  const { receipt } = take({ crypto }, state.masking.session, client, envelopeOf(message))
  return receipt.ok || harmless.has(receipt.reason) ? undefined : receipt.reason
}

/** Notes that the masked vector of a client is stored. */
export function withVector(state: MaskedRound, client: string, digest: string): MaskedRound | undefined {
  const { state: next, receipt } = delivered(state.masking.session, client, digest)
  return receipt.ok ? withSession(state, next) : undefined
}

/** Goes on to the next step when the present one is over at `at`: everybody answered, or its time is up. */
export function progressOf(crypto: Crypto, state: MaskedRound, at: Instant): Progress {
  const verdict = verdictOf(state, at)
  if (verdict === 'open') return { kind: 'goes-on', state }
  const { session } = state.masking
  if (session.phase === 'unmask') return { kind: 'complete', state }
  const closed = closePhase({ crypto }, session)
  if (!closed.ok) return { kind: 'failed', state, message: explain(closed.failure) }
  const masking = { since: at, session: closed.state }
  const phase = closed.state.phase === 'survivors' || closed.state.phase === 'unmask' ? 'unmasking' : 'collecting'
  // Nobody may be left of whom something is awaited.
  return progressOf(crypto, { ...state, phase, masking } as MaskedRound, at)
}

/** Clients of whom the present step still waits for something. */
export function expectedIn(state: MaskedRound): string[] {
  const out = excluded(state)
  return awaited(state.masking.session).filter((client) => !out.has(client))
}

function verdictOf(state: MaskedRound, at: Instant): 'open' | 'close' {
  const { masking, settings } = state
  if (state.phase === 'collecting' && masking.session.phase === 'input') {
    const window = { ...state, outstanding: expectedIn(state).length }
    return collectingWindow(window, at) === 'open' ? 'open' : 'close'
  }
  if (expectedIn(state).length === 0) return 'close'
  return at - masking.since >= (settings.masked?.stepMs ?? 0) ? 'close' : 'open'
}

function withSession(state: MaskedRound, session: CoordinatorState): MaskedRound {
  return { ...state, masking: { ...state.masking, session } }
}

export function envelopeOf({ payloadType, payload, signature }: Answered['message']): Envelope {
  return { payloadType, payload: utf8(payload), signature: fromHex(signature) ?? new Uint8Array(0) }
}

function explain({ phase, reason, have, need }: SessionFailure): string {
  return `step ${phase}: ${reason.replaceAll('-', ' ')}, ${have} of at least ${need}`
}
