import type { ErrorCode } from '../../core/errors/index.ts'
import type { EvaluationCounts } from '../../core/metrics/counts.ts'
import type { GroupCounts, GroupId } from '../../core/metrics/groups.ts'
import type { MetricName } from '../../core/metrics/metrics.ts'
import type { FrozenTensor } from '../../core/plan/freeze.ts'
import type { EarlyStop, Gate } from '../../core/plan/gates.ts'
import type { HoldoutResult } from '../../core/run/holdout.ts'
import type { LatencyResult } from '../../core/run/latency.ts'
import type { RobustnessReport } from '../../core/run/robustness.ts'
import type { ModelRef } from '../../core/run/round-configuration.ts'
import type { StartedFrom } from '../../core/run/started-from.ts'
import type { UpdateHeader } from '../../core/run/update-header.ts'
import type { GateVerdict } from '../../core/run/view.ts'
import type { AggregationMemory, VectorRef } from '../aggregation/memory.ts'
import type { Masking, Unmasked } from './masked/masking.ts'
import type { MaskedSettings } from './masked/settings.ts'
import type { PrivacySettings } from './privacy-settings.ts'

/** Milliseconds since the epoch, UTC: the coordinator's clock when it made an event. */
export type Instant = number

/** What the machine needs of a plan, journalled with the start of the run, so that a replay needs nothing else. */
export type RunSettings = {
  readonly model: string
  readonly plan: ModelRef
  readonly layout: string
  readonly parameters: number
  /** SCAFFOLD: the second half of the parameters are control variates. */
  readonly control?: {
    /** Clients in the whole federation. */
    readonly clients: number
    /** Layout and parameters of the model without control variates: of what is published. */
    readonly layout: string
    readonly parameters: number
  }
  /** Absent where the weights were new ones. */
  readonly start?: StartedFrom
  /** What no update may move, in the order of the flat vector; absent where everything is trained. */
  readonly frozen?: readonly FrozenTensor[]
  readonly rounds: number
  /** Refused updates of one client in one round, after which it is left out of the round. */
  readonly maxRefusals: number
  /** Clients asked in a round. */
  readonly cohortSize: number
  /** Fewest connected clients that a cohort is drawn from. */
  readonly population?: number
  readonly window: { readonly min: number; readonly max: number; readonly minMs: number; readonly maxMs: number }
  readonly evaluation: {
    readonly every: number
    readonly min: number
    readonly minMs: number
    readonly maxMs: number
    /** Absent where no client is left out of what is pooled. */
    readonly trim?: number
    /** Counts are masked: how many lanes those of one model, and of two, take. Absent where each client's are seen. */
    readonly counts?: { readonly one: number; readonly two: number }
  }
  readonly stop?: EarlyStop
  readonly gates: readonly Gate[]
  readonly alias: string
  readonly select: 'last' | { readonly best: MetricName }
  /** Updates are masked: the coordinator learns sums of them only. */
  readonly masked?: MaskedSettings
  /** Largest norm of an update: fixed, or in the first round. */
  readonly clip?: number
  /** What a round costs in differential privacy, where noise is added. */
  readonly privacy?: PrivacySettings
  /** Every client hides its rows: the δ at which it tells ε, and what the run may cost them at most. */
  readonly records?: { readonly delta: number; readonly epsilon?: number }
}

/** An update that is on disk: what its client signed, and the signature. */
export type AcceptedUpdate = {
  readonly client: string
  readonly header: UpdateHeader
  /** Ed25519 signature over the header's envelope, lower-case hex: the evidence that it is the client's. */
  readonly signature: string
  /** Euclidean norm of the update. */
  readonly norm: number
}

export type Refusal = { readonly client: string; readonly code: ErrorCode; readonly message: string }

export type ClientResult = {
  readonly client: string
  /** In the order of the evaluation task: the candidate, then the version in use where there is one. */
  readonly counts: readonly EvaluationCounts[]
  /** Where the plan has groups: those of each model, in the same order, and what the client did not send of them. */
  readonly groups?: readonly (readonly GroupCounts[])[]
  readonly withheld?: readonly GroupId[]
  readonly lacking?: readonly { readonly by: string; readonly column: string }[]
  /** Counts that were masked: the clients whose sum this is. */
  readonly clients?: readonly string[]
}

/** Where the masked counts of a round stand. */
export type MaskedCounts = {
  readonly masking: Masking
  /** Masked lanes of clients, base64, in the order in which they came. */
  readonly vectors: readonly { readonly client: string; readonly vector: string }[]
  /** Nothing more is asked of clients: the sum can be opened. */
  readonly complete: boolean
}

/** The version that holds the alias when a round is evaluated. */
export type Champion = { readonly version: number; readonly model: ModelRef }

/** What aggregation made of a round's updates. */
export type Made = {
  readonly model: ModelRef
  /** The model without control variates; absent where it has none. */
  readonly weights?: ModelRef
  /** What it leaves to the next round. Absent in journals from before there was anything to leave; so is the report. */
  readonly memory?: AggregationMemory
  /** The coordinator's own update, where the rule asked for one. */
  readonly root?: VectorRef
  readonly report?: RobustnessReport
  /** What came out of the sums, where updates were masked. */
  readonly unmasked?: Unmasked
  /** What came out on the coordinator's own rows, where a gate asks for it and the round is evaluated. */
  readonly holdout?: HoldoutResult
  /** How long its model takes to answer, as it was measured once; where a gate asks for it and the round is evaluated. */
  readonly latency?: LatencyResult
}

/** A round that is over. */
export type RoundRecord = {
  readonly round: number
  readonly openedAt: Instant
  readonly closedAt: Instant
  readonly cohort: readonly string[]
  readonly accepted: readonly AcceptedUpdate[]
  readonly refused: readonly Refusal[]
  readonly champion?: Champion
  readonly results: readonly ClientResult[]
  /** Why the round made no model. */
  readonly failure?: { readonly code: ErrorCode; readonly message: string }
  /** Why the model that it made was not evaluated. */
  readonly unevaluated?: { readonly code: ErrorCode; readonly message: string }
} & Partial<Made>

/** A round that made a model. */
export type MadeRound = RoundRecord & Made

type Running = {
  readonly run: string
  readonly startedAt: Instant
  readonly settings: RunSettings
  readonly base: ModelRef
  /** The weights that the next round starts from. */
  readonly model: ModelRef
  /** Number of the open or coming round, from 1. */
  readonly round: number
  /** Rounds that made a model. */
  readonly completed: number
  /** Rounds that failed since the last that did not. */
  readonly failures: number
  readonly history: readonly RoundRecord[]
  /** While it is there no round is opened. */
  readonly paused?: { readonly at: Instant; readonly reason: string }
}

type Collected = {
  readonly openedAt: Instant
  readonly cohort: readonly string[]
  readonly accepted: readonly AcceptedUpdate[]
  readonly refused: readonly Refusal[]
}

export type Waiting = Running & {
  readonly phase: 'waiting'
  readonly since: Instant
  readonly available: readonly string[]
  /** Ed25519 keys of those that are available, where updates will be masked. */
  readonly keys?: Readonly<Record<string, string>>
  readonly entropy: string
}
export type Collecting = Running & Collected & { readonly phase: 'collecting'; readonly masking?: Masking }
/** All masked updates are in; clients confirm whose they are, and help to open the sums. */
export type Unmasking = Running & Collected & { readonly phase: 'unmasking'; readonly masking: Masking }
export type Aggregating = Running & Collected & { readonly phase: 'aggregating'; readonly masking?: Masking }
export type Evaluating = Running &
  Collected & {
    readonly phase: 'evaluating'
    readonly since: Instant
    readonly made: Made
    readonly champion?: Champion
    readonly results: readonly ClientResult[]
    readonly declined: readonly Refusal[]
    /** Where counts are masked. */
    readonly masked?: MaskedCounts
    /** Why nothing will come of it. */
    readonly failure?: { readonly code: ErrorCode; readonly message: string }
  }
export type Publishing = Running & {
  readonly phase: 'publishing'
  readonly candidate: MadeRound
  readonly verdicts: readonly GateVerdict[]
}
export type Over = Running & {
  readonly phase: 'over'
  readonly endedAt: Instant
  readonly outcome: Outcome
}

export type Outcome =
  | {
      readonly kind: 'published'
      readonly version: number
      readonly model: ModelRef
      readonly verdicts: readonly GateVerdict[]
    }
  | { readonly kind: 'rejected'; readonly model: ModelRef; readonly verdicts: readonly GateVerdict[] }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: 'stopped'; readonly reason: string }

/** A run that was never started has no state. Each state carries exactly its own data. */
export type RunState = Waiting | Collecting | Unmasking | Aggregating | Evaluating | Publishing | Over
