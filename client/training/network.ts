import type { Plan } from '../../core/plan/plan.ts'
import type { Training } from '../../core/plan/training.ts'
import type { Random } from '../../core/random/random.ts'
import type { Layout } from '../../core/tensors/layout.ts'
import type { Dataset } from '../data/dataset.ts'
import type { EngineName } from './engine-names.ts'
import type { TrainingSession } from './session.ts'

/** What of a data set a model has to know. */
export type NetworkEnds = Pick<Dataset, 'shape' | 'classes' | 'numeric'>

/** What is trained, and for which data. */
export type NetworkOptions = Pick<Plan, 'model'> & {
  readonly ends: NetworkEnds
  /** Why it is this engine, for people. */
  readonly why?: string
}

export type SessionOptions = {
  /** The flat vector to begin with; never changed. */
  readonly weights: Float32Array
  readonly training: Training
  /** Most rows of a batch. */
  readonly rows: number
  readonly dropout: Random
  /** Added to every gradient; as long as `weights`. */
  readonly correction?: Float32Array | undefined
  /** Most bytes of memory that may be taken. */
  readonly memoryBytes?: number | undefined
}

/** A model on an engine. One session or predictor of a network works at a time. */
export interface Network {
  readonly engine: EngineName
  /** Why it is this engine, for people. */
  readonly why: string
  readonly layout: Layout
  /** A training from these weights. */
  begin(options: SessionOptions): TrainingSession
  predictor(weights: Float32Array): Predictor
  /** May be called twice. */
  dispose(): void
}

/** A model with its weights on the engine. */
export interface Predictor {
  /** Logits, row-major rows × units, of row-major features; valid until the next call. */
  predict(features: Float32Array, rows: number): Float32Array
  end(): void
}
