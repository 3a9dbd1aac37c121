import type { Envelope } from '../../crypto/envelope.ts'
import type { Crypto, SigningKey } from '../../crypto/primitives.ts'
import type { SessionConfiguration } from '../configuration.ts'
import type { MaskArithmetic } from '../masks.ts'
import type { RosterRow } from '../messages.ts'
import type { ClientPolicy } from '../policy.ts'
import type { Refusal } from '../refusal.ts'

/**
 * What a client keeps between two steps: plain JSON, bytes in lower-case hex, no vectors. It holds the secrets of one
 * session and is stored where the identity is. Store the new state **before** the message of the same step leaves: a step
 * taken twice from an older state could reveal an update. A refusal ends the session for this client; throw the state away.
 */
export type ClientState = Advertised | Shared | Masked | Confirmed | Answered

type Session = { readonly configuration: SessionConfiguration; readonly client: string }

export type Advertised = Session & {
  readonly phase: 'advertised'
  readonly row: RosterRow
  readonly channelSecret: string
  readonly maskSeed: string
  readonly seed: string
  readonly coin: string
  /** Seed of the polynomials, so that the same roster gives the same shares. */
  readonly sharing: string
}

type Rostered = Session & {
  readonly index: number
  readonly rosterHash: string
  readonly rows: readonly RosterRow[]
  /** The coordinator's coin and the beacon's value. */
  readonly opened: { readonly coin: string; readonly beacon: string | null }
}

export type Shared = Rostered & {
  readonly phase: 'shared'
  readonly maskSeed: string
  readonly seed: string
  /** For each holder but the client itself, in order: the key under which it seals for this client. */
  readonly inbox: readonly string[]
  /** The client's shares of its own secrets, where it is a holder of them. */
  readonly own: SharePair | null
}

export type SharePair = { readonly mask: string; readonly self: string }

type Sent = Rostered & {
  readonly members: readonly number[]
  readonly buckets: readonly (readonly number[])[]
  /** Roster indices of the members whose shares this client has, and these. */
  readonly held: readonly (SharePair & { readonly index: number })[]
}

/** From here on the client has forgotten its own secrets and holds only shares of others'. */
export type Masked = Sent & { readonly phase: 'masked' }

export type Confirmed = Sent & { readonly phase: 'confirmed'; readonly survivors: readonly number[] }

/** The end. `answer` may be sent again as it is; nothing else may be sent. */
export type Answered = {
  readonly phase: 'answered'
  readonly client: string
  readonly task: string
  readonly round: number
  readonly session: string
  /** The envelope: payload as text, signature in hex. */
  readonly answer: { readonly payloadType: string; readonly payload: string; readonly signature: string }
}

export type ClientContext = {
  readonly crypto: Crypto
  /** The client's identity. */
  readonly signingKey: SigningKey
  readonly policy: ClientPolicy
  /** What this client read from the beacon that the configuration names, 32 bytes in hex. */
  readonly beacon?: string
  /** By default plain JavaScript over `crypto`. */
  readonly masks?: MaskArithmetic
}

/** A new state and what to send, or the reason to leave. */
export type Transition<State extends ClientState> =
  | { readonly ok: true; readonly state: State; readonly message: Envelope }
  | { readonly ok: false; readonly refusal: Refusal }
