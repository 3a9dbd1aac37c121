import type { LatencyResult } from './latency.ts'
import type { RobustnessReport } from './robustness.ts'

/** A round that was computed again from the stored updates, perhaps in another way. Nothing of it is kept. */
export type Recomputation = {
  readonly run: string
  readonly round: number
  /** Clients whose updates were left aside. */
  readonly without: readonly string[]
  /** SHA-256 of the model file that the round made, and of the one that would have come out. */
  readonly recorded: string
  readonly recomputed: string
  /** Whether the two are the same bytes. */
  readonly identical: boolean
  readonly difference: {
    /** ‖w′ − w‖: how far the new weights would lie from those that the round made. */
    readonly norm: number
    /** The same as a share of how far the round moved the weights; null where it did not move them. */
    readonly relative: number | null
    /** Cosine of the angle between the two movements; null where one of them is zero. */
    readonly cosine: number | null
  }
  /** How the updates were combined then; absent in rounds from before there were reports. */
  readonly recordedReport?: RobustnessReport
  /** How long the model took to answer then; nobody can measure that again. Absent where it was not measured. */
  readonly recordedLatency?: LatencyResult
  readonly recomputedReport: RobustnessReport
}
