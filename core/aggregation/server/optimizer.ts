import type { z } from 'zod'

/** The same stretch of everything that one round's step touches. All arrays have the same length. */
export type ServerTile = {
  readonly weights: Float32Array
  /** What the rule made of the round's updates: a direction to go, not to come from. */
  readonly aggregate: Float64Array
  /** Takes the new weights; may be `weights` itself. */
  readonly out: Float32Array
  /** In the order of the optimizer's `state`; read and overwritten in place with what the next round finds. */
  readonly state: readonly Float32Array[]
}

/**
 * How the coordinator moves the weights w along the aggregate Δ of a round: pure, each parameter by itself, so that a model
 * may go through in tiles of any size. Arithmetic in float64, each result rounded once to float32.
 */
export type ServerOptimizer<Options> = {
  readonly options: z.ZodType<Options>
  /** Names of the vectors that it carries from round to round, one float32 value for each parameter. */
  readonly state: readonly string[]
  /** What each of these vectors holds before the first round. */
  readonly start: (options: Options) => readonly number[]
  readonly apply: (options: Options, tile: ServerTile) => void
}

/** Keeps the type of an optimizer's options, which TypeScript then infers from its schema. */
export function defineServerOptimizer<Options>(optimizer: ServerOptimizer<Options>): ServerOptimizer<Options> {
  return optimizer
}
