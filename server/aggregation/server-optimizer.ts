import type { Aggregation } from '../../core/plan/aggregation.ts'

/** How the coordinator turns the aggregated update into new weights, tile by tile. */
export interface ServerOptimizer {
  /** `weights` and `aggregate` have the same length; `out` gets the new weights. */
  apply(weights: Float32Array, aggregate: Float64Array, out: Float32Array): void
}

/** Plain averaging: w ← w + η·Δ, rounded once to float32. */
export function average(options: { readonly learningRate: number }): ServerOptimizer {
  const { learningRate } = options
  return {
    apply(weights, aggregate, out) {
      for (let j = 0; j < out.length; j++) out[j] = (weights[j] as number) + learningRate * (aggregate[j] as number)
    },
  }
}

export function serverOptimizerOf(plan: Aggregation): ServerOptimizer {
  return average(plan.server.average)
}
