import type { EvaluationCounts } from '../../core/metrics/counts.ts'
import type { GroupedCounts } from '../../core/metrics/groups.ts'
import type { RecordPrivacy } from '../../core/plan/record-privacy.ts'
import type { Layout } from '../../core/tensors/layout.ts'

export type TrainRequest = {
  /** Flat vector of the round's model, in the order of the layout. Never changed by the trainer. */
  readonly weights: Float32Array
  /** Everything random in training (batch order, dropout) follows from it. */
  readonly seed: number
  /** The run that this is a round of, and the digest of the round's model: for trainers that remember something. */
  readonly run: string
  readonly model: string
  readonly signal: AbortSignal
  /** Called now and then with the share of steps done, from 0 to 1. */
  readonly onProgress?: (done: number) => void
  /** Added to every gradient; as long as `weights`. */
  readonly correction?: Float32Array
  /** Where the plan hides single rows: exactly these steps are taken, with noise that does not follow from `seed`. */
  readonly records?: RecordPrivacy
}

export type TrainResult = {
  /** The trained flat vector, a new one. */
  readonly weights: Float32Array
  /** Training rows, the update's sample weight. */
  readonly samples: number
  /** Mean loss over the last epoch; 0 where single rows are hidden, of which it would tell. */
  readonly loss: number
  readonly steps: number
  /** To be called once the coordinator has accepted the update: for trainers that remember something. */
  readonly accepted?: () => Promise<void>
}

/** A model with its data on one client: what a round needs of it. */
export interface Trainer {
  /** Name of the engine in use, for people: `wasm`, `tfjs-node`, … */
  readonly engine: string
  /** Why it is this engine, for people. */
  readonly why?: string
  readonly layout: Layout
  /** Rows that were loaded; a client's policy may ask for a least number. */
  readonly rows?: { readonly train: number; readonly heldOut: number }
  /** Whether it can train so that single rows are hidden, and does where a request says so. */
  readonly hidesRows?: true
  /** Fails with `engine.diverged` when the loss is not finite, and with `interrupted` when `signal` fires. */
  train(request: TrainRequest): Promise<TrainResult>
  /** Additive counts over the held-out rows. Where the layout has control variates, `weights` may come without them. */
  evaluate(weights: Float32Array, signal: AbortSignal): Promise<EvaluationCounts>
  /** The same with the groups of the plan; a trainer that cannot tell groups apart does not have it. */
  evaluateGroups?(weights: Float32Array, signal: AbortSignal): Promise<GroupedCounts>
  /** Frees what the engine holds. May be called twice. */
  dispose(): void
}

/** The model of a plan without data: what a coordinator needs to start a run. */
export type InitialModel = {
  readonly layout: Layout
  /** The same seed gives the same bytes, whatever the engine. */
  readonly weights: Float32Array
}
