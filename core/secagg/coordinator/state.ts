import type { Crypto } from '../../crypto/primitives.ts'
import type { SessionConfiguration } from '../configuration.ts'
import type { RosterRow, Step } from '../messages.ts'
import type { Opened } from '../session.ts'

/**
 * What the coordinator knows of a session: plain JSON, no vectors and no secret but its own coin. Each step is a state with
 * what it collects; indices are those of the roster. Store a state before what follows from it is sent.
 */
export type CoordinatorState = Advertising | Sharing | Receiving | Confirming | Unmasking

type Session = {
  readonly configuration: SessionConfiguration
  /** Hash of the configuration, lower-case hex. */
  readonly config: string
}

export type Advertising = Session & {
  readonly phase: 'advertise'
  readonly coin: string
  /** Clients that were asked, with their Ed25519 keys. */
  readonly identities: Readonly<Record<string, string>>
  readonly adverts: Readonly<Record<string, RosterRow>>
}

type Rostered = Session & {
  readonly rows: readonly RosterRow[]
  readonly rosterHash: string
  readonly opened: Opened
}

export type Sharing = Rostered & {
  readonly phase: 'share'
  readonly shares: Readonly<Record<number, Dealt>>
}

export type Dealt = { readonly coin: string; readonly sealed: string }

type Membered = Rostered & {
  readonly members: readonly number[]
  readonly membersHash: string
  readonly buckets: readonly (readonly number[])[]
}

export type Receiving = Membered & {
  readonly phase: 'input'
  readonly shares: Readonly<Record<number, Dealt>>
  readonly inputs: Readonly<Record<number, ReceivedInput>>
}

/** `delivered`: the vector of this digest is stored as well. */
export type ReceivedInput = { readonly digest: string; readonly delivered: boolean }

type Surviving = Membered & {
  readonly survivors: readonly number[]
  readonly survivorsHash: string
  /** Signatures over the survivors, base64. */
  readonly confirmations: Readonly<Record<number, string>>
}

export type Confirming = Surviving & { readonly phase: 'survivors' }

export type Unmasking = Surviving & {
  readonly phase: 'unmask'
  readonly answers: Readonly<Record<number, Answer>>
}

/** Concatenated shares, base64, in the order of what the holder has to reveal. */
export type Answer = { readonly selfShares: string; readonly maskShares: string }

export type CoordinatorContext = { readonly crypto: Crypto }

/** Why a message was not taken. The session goes on without it. */
export type TakeRefusal =
  | 'wrong-phase'
  | 'not-invited'
  | 'invalid'
  | 'wrong-session'
  | 'duplicate'
  | 'weak-key'
  | 'repeated-key'
  | 'coin-mismatch'
  | 'wrong-length'
  | 'wrong-set'

export type Receipt = { readonly ok: true } | { readonly ok: false; readonly reason: TakeRefusal }

/** Why a session ended without a sum. */
export type SessionFailure = {
  readonly phase: Step
  readonly reason: 'too-few-clients' | 'no-bucket-left' | 'too-few-confirmations' | 'unrecoverable' | 'beacon-missing'
  readonly have: number
  readonly need: number
}
