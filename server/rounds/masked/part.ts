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
import type { Instant } from '../state.ts'
import type { Masking } from './masking.ts'

/** What the steps of a masked sum depend on, whatever is summed. */
export type MaskedPart = {
  readonly masking: Masking
  readonly cohort: readonly string[]
  /** Clients of which nothing is awaited any more, and from which nothing is taken. */
  readonly out: ReadonlySet<string>
  /** Milliseconds for each step but that of the vectors. */
  readonly stepMs: number
  /** Whether the step in which vectors come goes on, with so many that may still come. */
  readonly inputIsOpen: (outstanding: number, at: Instant) => boolean
}

export type Answered = Extract<RunEvent, { readonly type: 'masking-answer' }>

/** The masking after a step, what ended it, or that there is nothing more to ask of clients. */
export type PartProgress =
  | { readonly kind: 'goes-on'; readonly masking: Masking }
  | { readonly kind: 'complete'; readonly masking: Masking }
  | { readonly kind: 'failed'; readonly masking: Masking; readonly message: string }

/** Takes a client's message of the present step. The same masking where it is refused: `wrongAnswer` says why. */
export function answered(crypto: Crypto, { masking, out }: MaskedPart, { client, message }: Answered): Masking {
  if (out.has(client)) return masking
  const { state: next, receipt } = take({ crypto }, masking.session, client, envelopeOf(message))
  return receipt.ok && next !== masking.session ? withSession(masking, next) : masking
}

/** What only an honest client can send twice or late: the round goes on as if it had not come. */
const harmless: ReadonlySet<TakeRefusal> = new Set(['wrong-phase', 'duplicate'])

/** Why `answered` changes nothing, where the message is one that no honest client sends. */
export function wrongAnswer(
  crypto: Crypto,
  { masking, out, cohort }: MaskedPart,
  { client, message }: Answered,
): string | undefined {
  if (out.has(client) || !cohort.includes(client)) return undefined
  const { receipt } = take({ crypto }, masking.session, client, envelopeOf(message))
  return receipt.ok || harmless.has(receipt.reason) ? undefined : receipt.reason
}

/** Notes that the masked vector of a client is stored; undefined where none of this digest was announced. */
export function withDelivered(
  { masking }: Pick<MaskedPart, 'masking'>,
  client: string,
  digest: string,
): Masking | undefined {
  const { state: next, receipt } = delivered(masking.session, client, digest)
  return receipt.ok ? withSession(masking, next) : undefined
}

/** Goes on to the next step when the present one is over at `at`: everybody answered, or its time is up. */
export function advanced(crypto: Crypto, part: MaskedPart, at: Instant): PartProgress {
  const { masking } = part
  if (isOpen(part, at)) return { kind: 'goes-on', masking }
  const { session } = masking
  if (session.phase === 'unmask') return { kind: 'complete', masking }
  const closed = closePhase({ crypto }, session)
  if (!closed.ok) return { kind: 'failed', masking, message: explain(closed.failure) }
  // Nobody may be left of whom something is awaited.
  return advanced(crypto, { ...part, masking: { since: at, session: closed.state } }, at)
}

/** Clients of whom the present step still waits for something. */
export function expectedOf({ masking, out }: Pick<MaskedPart, 'masking' | 'out'>): string[] {
  return awaited(masking.session).filter((client) => !out.has(client))
}

function isOpen(part: MaskedPart, at: Instant): boolean {
  const expected = expectedOf(part).length
  if (part.masking.session.phase === 'input') return part.inputIsOpen(expected, at)
  return expected > 0 && at - part.masking.since < part.stepMs
}

function withSession(masking: Masking, session: CoordinatorState): Masking {
  return { ...masking, session }
}

export function envelopeOf({ payloadType, payload, signature }: Answered['message']): Envelope {
  return { payloadType, payload: utf8(payload), signature: fromHex(signature) ?? new Uint8Array(0) }
}

function explain({ phase, reason, have, need }: SessionFailure): string {
  return `step ${phase}: ${reason.replaceAll('-', ' ')}, ${have} of at least ${need}`
}
