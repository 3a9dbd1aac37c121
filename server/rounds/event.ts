import type { ErrorCode } from '../../core/errors/index.ts'
import type { ModelRef } from '../../core/run/round-configuration.ts'
import type { AcceptedUpdate, Champion, ClientResult, Instant, Made, RunSettings } from './state.ts'

/** Everything that a run can be told. Each one that changes its state is in the journal before anything else happens. */
export type RunEvent =
  | {
      readonly type: 'started'
      readonly at: Instant
      readonly run: string
      readonly settings: RunSettings
      readonly base: ModelRef
    }
  /** Who is connected while the run waits, and randomness for the draw of the cohort (32 bytes, hex). */
  | {
      readonly type: 'clients-available'
      readonly at: Instant
      readonly clients: readonly string[]
      /** Ed25519 keys of these, lower-case hex, where updates will be masked. */
      readonly keys?: Readonly<Record<string, string>>
      readonly entropy: string
      /** Others that are connected, where the plan waits for a person: nobody waits for them. Absent where there are none. */
      readonly holding?: number
    }
  /** A client's part of a step of a masked round, as it signed it: payload as text, signature in lower-case hex. */
  | {
      readonly type: 'masking-answer'
      readonly at: Instant
      readonly round: number
      readonly client: string
      readonly message: { readonly payloadType: string; readonly payload: string; readonly signature: string }
    }
  | { readonly type: 'update-accepted'; readonly at: Instant; readonly round: number; readonly update: AcceptedUpdate }
  | {
      readonly type: 'update-refused'
      readonly at: Instant
      readonly round: number
      readonly client: string
      readonly code: ErrorCode
      readonly message: string
    }
  /** The client will not train, or not evaluate. */
  | {
      readonly type: 'declined'
      readonly at: Instant
      readonly round: number
      readonly kind: 'train' | 'evaluate'
      readonly client: string
      readonly code: ErrorCode
      readonly message: string
    }
  | { readonly type: 'time-reached'; readonly at: Instant }
  | ({
      readonly type: 'aggregated'
      readonly at: Instant
      readonly round: number
      readonly champion?: Champion
      /** 32 random bytes in hex, of which nobody but the coordinator knows, where counts will be masked. */
      readonly entropy?: string
    } & Made)
  | {
      readonly type: 'aggregation-failed'
      readonly at: Instant
      readonly round: number
      readonly code: ErrorCode
      readonly message: string
    }
  | { readonly type: 'evaluated'; readonly at: Instant; readonly round: number; readonly result: ClientResult }
  /** The masked lanes of a client's counts in base64, and their SHA-256 in hex. */
  | {
      readonly type: 'counts-masked'
      readonly at: Instant
      readonly round: number
      readonly client: string
      readonly vector: string
      readonly digest: string
    }
  /** The sum of all masked counts, and why there is none. */
  | { readonly type: 'counts-opened'; readonly at: Instant; readonly round: number; readonly result: ClientResult }
  | { readonly type: 'counts-unopened'; readonly at: Instant; readonly round: number; readonly message: string }
  | { readonly type: 'published'; readonly at: Instant; readonly version: number }
  | { readonly type: 'publication-failed'; readonly at: Instant; readonly code: ErrorCode; readonly message: string }
  | { readonly type: 'pause-requested'; readonly at: Instant; readonly reason: string }
  | { readonly type: 'resume-requested'; readonly at: Instant }
  | { readonly type: 'stop-requested'; readonly at: Instant; readonly reason: string }
