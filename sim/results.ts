import type { ErrorCode } from '../core/errors/index.ts'
import type { EvaluationCounts, LabelRange } from '../core/metrics/counts.ts'
import type { Metrics } from '../core/metrics/metrics.ts'
import type { Suspect } from '../core/run/robustness.ts'
import type { RoundSummary, RunOutcome, RunView } from '../core/run/view.ts'
import type { SimulatedRecords } from './nodes/record-ledgers.ts'
import type { TrainedOn } from './pool/job.ts'

/** A round of a simulation: what the coordinator says of it, and what only the simulator knows. */
export type SimulatedRound = RoundSummary & {
  /** Virtual milliseconds since the run was started, when the round opened and closed. */
  readonly openedMs: number
  readonly closedMs: number
  /** The new model on the whole test set, or on all rows of held-out clients; absent where it was not evaluated. */
  readonly central?: Metrics
  /** For tasks of several classes row-major k × k: rows of true class i that were given class j. For the binary: 2 × 2. */
  readonly confusion?: readonly number[]
  /** Accuracy on the attack's own probe: how often the attacker got what it wanted. */
  readonly attackSuccess?: number
  /** Why the rule made nothing of the updates; absent where it did, or where it had none. */
  readonly failure?: { readonly code: ErrorCode; readonly message: string }
}

/** What a run came to, for the simulation as a whole to tell. */
export type SimulatedRun = {
  readonly view: RunView
  readonly rounds: readonly SimulatedRound[]
  readonly records: SimulatedRecords | undefined
}

export type SimulationResult = {
  /** SHA-256 of the scenario in canonical form, and of the plan. */
  readonly scenario: string
  readonly plan: string
  readonly description?: string
  /** Clients that took part. */
  readonly clients: number
  /** Ids of the attackers, and the name of their attack. */
  readonly attackers: readonly string[]
  readonly attack?: string
  /** Ids of the clients that did not train, on whose rows the model was evaluated; absent where none were held out. */
  readonly heldOut?: readonly string[]
  readonly seed: number
  readonly rounds: readonly SimulatedRound[]
  readonly suspects: readonly Suspect[]
  readonly outcome: RunOutcome
  /** Digest of the last model file: the same for the same scenario, whatever the number of threads. */
  readonly weights?: string
  /** What single training rows have cost, at the client where it is most; absent where the plan hides none. */
  readonly records?: SimulatedRecords
  readonly virtualMs: number
  /** The engine that trained, and why it was that one; absent where nobody trained. */
  readonly trainedOn?: TrainedOn
  /** Rows and classes of each client; of a numeric label equal parts of its range stand for classes. */
  readonly world: {
    readonly classes: number
    readonly numeric?: LabelRange
    readonly rows: readonly (readonly number[])[]
  }
}

/** What a simulation tells while it goes on. */
export type SimulationEvent =
  | { readonly type: 'ready'; readonly clients: number; readonly rounds: number; readonly parameters: number }
  | { readonly type: 'round'; readonly round: SimulatedRound; readonly of: number }
  | { readonly type: 'restarted'; readonly round: number }

/** 2 × 2 or k × k counts of true against given classes; undefined where the label is a number. */
export function confusionOf(counts: EvaluationCounts): readonly number[] | undefined {
  if (counts.task === 'regression') return undefined
  if (counts.task === 'classes') return counts.confusion
  return [counts.trueNegatives, counts.falsePositives, counts.falseNegatives, counts.truePositives]
}
