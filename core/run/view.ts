import type { ErrorCode } from '../errors/index.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { GateMeasure } from '../metrics/named.ts'
import type { LatencyResult } from './latency.ts'
import type { RobustnessReport, Suspect } from './robustness.ts'
import type { StartedFrom } from './started-from.ts'

/** Where a client stands in the open round. */
export type ClientPhase =
  | 'invited'
  | 'sharing'
  | 'confirming'
  | 'uploading'
  | 'accepted'
  | 'refused'
  | 'evaluating'
  | 'evaluated'

export type CohortMember = {
  readonly client: string
  readonly connected: boolean
  readonly phase: ClientPhase
  /** Bytes of the update received so far. */
  readonly bytes: number
  /** Why the client was refused, and in whose words. */
  readonly code?: ErrorCode
  readonly message?: string
}

export type RoundSummary = {
  readonly round: number
  readonly openedAt: string
  readonly closedAt: string
  readonly cohort: readonly string[]
  readonly accepted: readonly string[]
  readonly refused: readonly { readonly client: string; readonly code: ErrorCode; readonly message: string }[]
  /** Sealed bytes of the accepted updates. */
  readonly bytes: number
  /** What the accepted updates cost their rows, as their clients say; absent where the plan hides none. */
  readonly records?: readonly RecordsSpent[]
  /** Digest of the model file that the round made; absent when the round failed. */
  readonly weights?: string
  /** The same without control variates: what a version of it holds. Absent where it is the same. */
  readonly published?: string
  /** The metrics of that model on the held-out rows of all clients that answered, and of each; absent when not evaluated. */
  readonly pooled?: Metrics
  readonly clients: readonly { readonly client: string; readonly metrics: Metrics }[]
  /** Where counts were masked: the clients whose rows `pooled` is over. Then `clients` is empty. */
  readonly summed?: readonly string[]
  /** Why the model was not evaluated, where that is the reason that no metrics are there. */
  readonly unevaluated?: { readonly code: ErrorCode; readonly message: string }
  /** The metrics of groups of rows, over all clients that sent them; absent where there are none. */
  readonly groups?: readonly {
    readonly by: string
    readonly group: string
    readonly clients: number
    readonly metrics: Metrics
  }[]
  /** The same on rows that the coordinator holds; absent where no gate is decided on them. */
  readonly holdout?: HoldoutSummary
  /** How long its model takes to answer, or why it was not measured; absent where no gate asks for it. */
  readonly latency?: LatencyResult
  /** Why the round made no model. */
  readonly failure?: { readonly code: ErrorCode; readonly message: string }
  /** How the updates were combined; absent when the round failed. */
  readonly robustness?: RobustnessReport
  /** The sums that a masked round opened, by the names that `robustness` has for them, and what was lost. */
  readonly sums?: {
    readonly opened: readonly { readonly name: string; readonly clients: readonly string[] }[]
    readonly spoiled: readonly { readonly clients: readonly string[]; readonly reason: string }[]
    /** Clients whose shares of others' secrets were lies. */
    readonly culprits: readonly string[]
  }
}

/** What came out on the coordinator's own rows. */
export type HoldoutSummary =
  | {
      readonly sha256: string
      readonly rows: number
      /** How often candidates of this model were evaluated on these rows, in all runs, this time included. */
      readonly looks: number
      readonly metrics: Metrics
      /** The version in use, where a gate compares with it, and the rows that are given another class than by it. */
      readonly champion?: { readonly version: number; readonly metrics: Metrics; readonly changed: number }
      readonly perturbed: readonly { readonly noise: number; readonly metrics: Metrics }[]
      /** Of the rows with a trigger that are of another class than the target, those that were given the target. */
      readonly triggers: readonly {
        readonly target: string | number
        readonly others: number
        readonly given: number
      }[]
    }
  | { readonly failure: string }

export type GateVerdict = {
  readonly gate: string
  readonly metric: GateMeasure
  readonly verdict: 'pass' | 'fail' | 'not-evaluable'
  /** The measured value, the bound it is held against, and the same in words. */
  readonly value: number | null
  readonly bound: number | null
  readonly explanation: string
  /** Rows that the value is a mean over. */
  readonly n?: number
  /** One-sided bounds of the value, each with this confidence; there where the gate asks for one. */
  readonly interval?: { readonly low: number; readonly high: number; readonly confidence: number }
  /** Nobody may publish in spite of it. */
  readonly hard?: true
  /** The coordinator's rows that it was reached on, by SHA-256, and how often candidates of this model have met them. */
  readonly holdout?: { readonly sha256: string; readonly rows: number; readonly looks: number }
}

export type RunOutcome =
  | {
      readonly kind: 'published'
      readonly version: number
      readonly weights: string
      readonly gates: readonly GateVerdict[]
    }
  | { readonly kind: 'rejected'; readonly weights: string; readonly gates: readonly GateVerdict[] }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: 'stopped'; readonly reason: string }

export type RunPhase = 'waiting' | 'collecting' | 'unmasking' | 'aggregating' | 'evaluating' | 'publishing' | 'over'

/** A run as people and programs see it: what `run status` prints and `run watch` streams. */
export type RunView = {
  readonly run: string
  readonly model: string
  /** SHA-256 of the plan's canonical form. */
  readonly plan: string
  /** Absent where the weights were new ones. */
  readonly start?: StartedFrom
  readonly createdAt: string
  readonly phase: RunPhase
  /** The open round, from 1; 0 before the first. */
  readonly round: number
  /** How many it comes to: those that the plan asks for, and one more for each that failed. */
  readonly rounds: number
  readonly engaged: readonly CohortMember[]
  /** The window that is open now. */
  readonly window?: { readonly min: number; readonly max: number; readonly closesAt: string }
  readonly history: readonly RoundSummary[]
  /** Clients whose updates were out of the ordinary round after round; the most conspicuous first. */
  readonly suspects: readonly Suspect[]
  /** What the run has spent of its clients' privacy; absent where no noise is added. */
  readonly privacy?: PrivacyView
  /** What it has cost single training rows; absent where the plan hides none. */
  readonly records?: RecordsView
  /** Clients at which the plan waits for a person, who looks at it there; rounds are held without them. */
  readonly holding?: readonly string[]
  /** Somebody has asked for a pause: an open round comes to its end, and no other is opened. */
  readonly paused?: { readonly at: string; readonly reason: string }
  readonly outcome?: RunOutcome
}

/** ε of each training row of a client, as it says itself: of all rounds of the run that it has paid for, and of one round. */
export type RecordsSpent = { readonly client: string; readonly epsilon: number; readonly epsilonOfRound: number }

/** What the run has cost single training rows. */
export type RecordsView = {
  /** The largest of all clients; 0 as long as none has said anything. */
  readonly epsilon: number
  readonly delta: number
  /** Clients decline rounds by which they would pass it. */
  readonly budget?: number
  /** What each has said last, the largest first. */
  readonly clients: readonly { readonly client: string; readonly epsilon: number }[]
}

/** (ε, δ) of all rounds that were opened, for one client more or less in all of them. */
export type PrivacyView = {
  readonly epsilon: number
  readonly delta: number
  readonly rounds: number
  readonly accountant: 'rdp' | 'pld'
  /** The run ends before it would be passed. */
  readonly budget?: number
}
