import { frozenTensors } from '../../../core/plan/freeze.ts'
import type { Model } from '../../../core/plan/model.ts'
import { layoutOf } from '../../../core/tensors/layout.ts'
import { decayedKernel } from '../descent.ts'
import type { Graph } from '../graph/graph.ts'
import type { SessionOptions } from '../network.ts'
import type { Arena, ArenaPlan } from './arena.ts'
import { planOptimizer, type Vectors } from './optimizer.ts'

export type WasmDescent = {
  /** The step size, where a step is nothing but weights − rate · gradient. */
  readonly rate: number | undefined
  /** One step along the gradient, which it overwrites. */
  step(): void
}

/**
 * The clipping and penalties of a plan, the client's correction and the optimizer, in the order in which
 * client/training/descent.ts has them on plain arrays.
 */
export function planDescent(
  plan: ArenaPlan,
  model: Model,
  graph: Graph,
  { training, weights: start, correction }: Pick<SessionOptions, 'training' | 'weights' | 'correction'>,
): (arena: Arena, vectors: Vectors) => WasmDescent {
  const layout = layoutOf(graph.tensors)
  const frozen = frozenTensors(training.freeze, layout)
  const { clipGradient, weightDecay = 0 } = training
  const mu = training.fedprox?.mu ?? 0
  const decayed = decayedKernel(model, layout)
  const at = {
    start: mu > 0 ? plan.float32(start.length) : 0,
    correction: correction === undefined ? 0 : plan.float32(start.length),
  }
  const optimizer = planOptimizer(plan, training.optimizer, start.length, frozen)
  const isPlain =
    clipGradient === undefined &&
    mu === 0 &&
    decayed === undefined &&
    weightDecay === 0 &&
    correction === undefined &&
    frozen.length === 0
  return (arena, vectors) => {
    const { kernels, float32 } = arena
    const { weights, gradient, length } = vectors
    if (mu > 0) float32(at.start, length).set(start)
    if (correction !== undefined) float32(at.correction, length).set(correction)
    const optimize = optimizer.build(arena, vectors)
    const values = float32(gradient, length)
    return {
      rate: isPlain ? optimizer.rate : undefined,
      step() {
        if (clipGradient !== undefined) {
          const norm = Math.sqrt(kernels.squaredNorm(gradient, length))
          if (norm > clipGradient.norm) kernels.scaleVector(gradient, gradient, length, clipGradient.norm / norm)
        }
        if (mu > 0) kernels.addPull(gradient, weights, at.start, length, mu)
        if (decayed !== undefined) {
          const { l2, offset, length: count } = decayed
          kernels.addPull(gradient + 4 * offset, weights + 4 * offset, 0, count, l2)
        }
        if (weightDecay > 0) kernels.addPull(gradient, weights, 0, length, weightDecay)
        if (correction !== undefined) kernels.addVector(gradient, at.correction, length)
        // Last: every optimizer leaves a weight without a gradient exactly where it is.
        for (const { offset, length: count } of frozen) values.fill(0, offset, offset + count)
        optimize()
      },
    }
  }
}
