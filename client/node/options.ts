import type { KeptCheckpoint } from '../../core/audit/continuity.ts'
import type { AuditSink } from '../../core/audit/sink.ts'
import type { Clock } from '../../core/clock.ts'
import type { Crypto, SigningKey } from '../../core/crypto/primitives.ts'
import type { ParleyError } from '../../core/errors/index.ts'
import type { Metrics } from '../../core/metrics/metrics.ts'
import type { Plan } from '../../core/plan/plan.ts'
import type { ClientPolicy, MaskArithmetic } from '../../core/secagg/index.ts'
import type { Dial } from '../../core/wire/connection.ts'
import type { Limits } from '../../core/wire/limits.ts'
import type { Trainer } from '../training/ports.ts'
import type { Difference } from './difference.ts'
import type { PrivacyLedger } from './ledger.ts'
import type { Admission, TaskPolicy } from './policy.ts'

/** Remembers, over restarts, the highest round of each run that this client has begun. */
export interface RoundMemory {
  last(run: string): Promise<number | undefined>
  remember(run: string, round: number): Promise<void>
}

/** Remembers, over restarts, the newest checkpoint of the coordinator's audit log that was seen. */
export interface CheckpointMemory {
  last(): Promise<KeptCheckpoint | undefined>
  keep(checkpoint: KeptCheckpoint): Promise<void>
}

/** What a client node tells whoever runs it. */
export type ClientEvent =
  | { readonly type: 'connected'; readonly client: string; readonly carrier: string; readonly remote: string }
  | { readonly type: 'disconnected'; readonly error?: ParleyError; readonly retryInMs: number }
  | {
      readonly type: 'task'
      readonly kind: 'train' | 'evaluate'
      readonly run: string
      readonly round: number
      readonly rounds: number
    }
  | {
      readonly type: 'training'
      readonly run: string
      readonly round: number
      readonly done: number
      readonly engine: string
      /** Why it is this engine, for people. */
      readonly why?: string
    }
  | { readonly type: 'sending'; readonly run: string; readonly round: number; readonly bytes: number }
  | { readonly type: 'evaluated'; readonly run: string; readonly round: number; readonly metrics: Metrics }
  | {
      readonly type: 'receipt'
      readonly kind: 'train' | 'evaluate'
      readonly run: string
      readonly round: number
      readonly accepted: boolean
      readonly code?: string
      readonly message?: string
    }
  /** The data lacks columns of the plan's groups, and gates on them cannot be evaluated. */
  | { readonly type: 'groups-lacking'; readonly run: string; readonly round: number; readonly error: ParleyError }
  /** What the trainer wanted to keep of an accepted update could not be stored: it is lost with the next restart. */
  | { readonly type: 'not-kept'; readonly run: string; readonly round: number; readonly error: ParleyError }
  | {
      readonly type: 'declined'
      readonly kind: 'train' | 'evaluate'
      readonly run: string
      readonly round: number
      readonly error: ParleyError
    }

export type ClientOptions = {
  readonly crypto: Crypto
  readonly clock: Clock
  readonly identity: SigningKey
  /** The coordinator's Ed25519 public key, got over another channel. Nothing else is believed. */
  readonly coordinatorKey: Uint8Array
  /** Ways to the coordinator, tried in turn: the next one whenever a connection fails. At least one. */
  readonly dials: readonly Dial[]
  /** How a plan that the coordinator names is checked; by default as production does. Simulations may know more rules. */
  readonly checkPlan?: (value: unknown) => Plan
  /** What this client's institution allows. Without one every task is declined. */
  readonly policy?: TaskPolicy
  /** Train for any plan of the pinned coordinator, without a policy: for simulations, benchmarks and tests. */
  readonly unsafeAllowAnyPlan?: boolean
  /**
   * The model of a plan on this client's data. Called once a plan, and again where a policy allows other data; its failures
   * decline the tasks of the plan.
   */
  readonly trainer: (plan: Plan, admission?: Admission) => Promise<Trainer>
  readonly memory: RoundMemory
  /**
   * Blobs that this process has already, by digest and length: several clients in one process need not all download the
   * same model. What it gives is believed, and nobody may write to it. Undefined has the client download.
   */
  readonly sharedBlobs?: (digest: string, bytes: number) => Promise<Uint8Array | undefined>
  /** Memory for sealed updates, given back by whoever owns it; by default the client keeps its own from round to round. */
  readonly sealedMemory?: (length: number) => Uint8Array
  /** What this client accepts of masked rounds; without it, it takes part in none. */
  readonly masking?: {
    /** `known` need not hold the client itself. */
    readonly policy: ClientPolicy
    /** By default plain JavaScript. */
    readonly masks?: MaskArithmetic
  }
  /** What this client has spent of its privacy in its life; without it, it counts nothing. */
  readonly ledger?: PrivacyLedger
  /** What its training rows have cost, each of them, in all rounds of plans that hide rows; without it, such plans are declined. */
  readonly recordLedger?: PrivacyLedger
  /** Where the client records what it does and what leaves it; what cannot be recorded is not done. By default nowhere. */
  readonly audit?: AuditSink
  /** What was seen of the coordinator's audit log; without it the client does not see that there are two of it. */
  readonly checkpoints?: CheckpointMemory
  /** How an update is worked out; by default in plain JavaScript. */
  readonly difference?: Difference
  readonly limits: Limits
  /** Smallest cohort in which this client takes part: in a smaller one the coordinator's model shows too much of it. */
  readonly minCohort: number
  /** Program and version, for people. */
  readonly agent: string
  readonly onEvent?: (event: ClientEvent) => void
}
