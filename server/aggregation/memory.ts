import type { ModelRef } from '../../core/run/round-configuration.ts'

/** A vector as a blob: raw float32 values, little-endian, one for each parameter. */
export type VectorRef = ModelRef

/**
 * What a round leaves to the next beside the model: it stands in the journal, so that a restart goes on with it and a
 * round can be computed again.
 */
export type AggregationMemory = {
  /** The vectors of the server optimizer, in its order; none before the first round. */
  readonly optimizer: readonly VectorRef[]
  /** The last aggregate, for rules that start from it. */
  readonly center?: VectorRef
  /** For each client that was ever seen the sum of its updates, for rules that look back on them. */
  readonly histories?: readonly { readonly client: string; readonly vector: VectorRef }[]
  /** Numbers that the rule asked to be kept. */
  readonly numbers: readonly number[]
  /** The clipping norm of the next round, where it adapts. */
  readonly clip?: number
}

export const noMemory: AggregationMemory = { optimizer: [], numbers: [] }

/** The digests of all vectors of a memory. */
export function vectorsOf(memory: AggregationMemory | undefined): string[] {
  if (memory === undefined) return []
  const { optimizer, center, histories = [] } = memory
  const vectors = [...optimizer, ...(center === undefined ? [] : [center]), ...histories.map(({ vector }) => vector)]
  return vectors.map(({ digest }) => digest)
}
