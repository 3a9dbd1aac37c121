import type { EngineName } from '../../client/index.ts'
import type { EvaluationCounts, LabelRange } from '../../core/metrics/counts.ts'
import type { Model } from '../../core/plan/model.ts'
import type { RecordPrivacy } from '../../core/plan/record-privacy.ts'
import type { Training } from '../../core/plan/training.ts'

/** Examples in memory that threads share. */
export type SharedExamples = { readonly features: Float32Array; readonly labels: Int32Array }

/** What every thread has from the start: the whole data set, and the rows of each client. */
export type World = {
  readonly model: Model
  /** Without what goes on outside of the trainer: control variates. */
  readonly training: Training
  readonly shape: readonly number[]
  readonly classes: number
  /** The range of a numeric label. */
  readonly numeric: LabelRange | undefined
  readonly train: SharedExamples
  readonly test: SharedExamples
  readonly probe: SharedExamples | undefined
  /** What the model is evaluated on as a whole, where that is not `test`. */
  readonly central?: SharedExamples
  /** Rows of `train` and of `test` that are each client's. */
  readonly rows: readonly { readonly train: Uint32Array; readonly test: Uint32Array }[]
  readonly engine: EngineName | undefined
}

/** Flat weights in memory that threads share; `id` is the same for the same values. */
export type SharedWeights = { readonly id: string; readonly values: Float32Array }

export type Job =
  | {
      readonly kind: 'train'
      readonly client: number
      readonly weights: SharedWeights
      readonly seed: number
      readonly correction?: Float32Array
      /** Single rows are hidden, by noise that follows from a stream of the simulation's seed. */
      readonly records?: { readonly privacy: RecordPrivacy; readonly seed: number; readonly stream: string }
    }
  /** On the held-out rows of one client, on all of them, or on the probe of an attack. */
  | { readonly kind: 'evaluate'; readonly client: number | 'all' | 'probe'; readonly weights: SharedWeights }

/** The engine that trained, and why it was that one, for people. */
export type TrainedOn = { readonly engine: string; readonly why: string }

export type JobResult =
  | {
      readonly kind: 'train'
      readonly weights: Float32Array
      readonly samples: number
      readonly loss: number
      readonly steps: number
      readonly trainedOn: TrainedOn
    }
  | { readonly kind: 'evaluate'; readonly counts: EvaluationCounts }
