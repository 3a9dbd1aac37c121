import { type FrozenTensor, frozenTensors } from '../../../core/plan/freeze.ts'
import type { Model } from '../../../core/plan/model.ts'
import type { AdamW, Optimizer } from '../../../core/plan/training.ts'
import { layoutOf } from '../../../core/tensors/layout.ts'
import type { TrainingKernels } from '../../../kernels/training/exports.ts'
import { decayedKernel } from '../descent.ts'
import type { Graph } from '../graph/graph.ts'
import type { SessionOptions } from '../network.ts'
import { movingParts } from '../optimizer.ts'
import type { Arena, ArenaPlan } from './arena.ts'

export type WasmDescent = {
  /** The step size, where a step is nothing but weights − rate · gradient. */
  readonly rate: number | undefined
  /** One step along the gradient, which it overwrites. */
  step(): void
}

/** Addresses of flat vectors of `length` values. */
type Vectors = { readonly weights: number; readonly gradient: number; readonly length: number }

/** The clipping and penalties of a plan, the client's correction and the optimizer, as client/training/descent.ts has them on plain arrays. */
export function planDescent(
  plan: ArenaPlan,
  model: Model,
  graph: Graph,
  session: Pick<SessionOptions, 'training' | 'weights' | 'correction'>,
): (arena: Arena, vectors: Vectors) => WasmDescent {
  const { training, weights: start, correction } = session
  const layout = layoutOf(graph.tensors)
  const frozen = frozenTensors(training.freeze, layout)
  const mu = training.fedprox?.mu ?? 0
  const { clipGradient, weightDecay = 0 } = training
  const decayed = decayedKernel(model, layout)
  const at = {
    start: mu > 0 ? plan.float32(start.length) : 0,
    correction: correction === undefined ? 0 : plan.float32(start.length),
  }
  const optimizer = planOptimizer(plan, training.optimizer, start.length, frozen)
  const penalized = mu > 0 || decayed !== undefined || weightDecay > 0 || correction !== undefined
  const isPlain = clipGradient === undefined && !penalized && frozen.length === 0
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
        if (clipGradient !== undefined) clip(kernels, vectors, clipGradient.norm)
        if (mu > 0) kernels.addPull(gradient, weights, at.start, length, mu)
        if (decayed !== undefined) {
          const { l2, offset, length: count } = decayed
          kernels.addPull(gradient + 4 * offset, weights + 4 * offset, 0, count, l2)
        }
        if (weightDecay > 0) kernels.addPull(gradient, weights, 0, length, weightDecay)
        if (correction !== undefined) kernels.addVector(gradient, at.correction, length)
        // Last: every optimizer leaves a weight without a gradient exactly where it is.
        freeze(values, frozen)
        optimize()
      },
    }
  }
}

function clip(kernels: TrainingKernels, { gradient, length }: Vectors, most: number): void {
  const norm = Math.sqrt(kernels.squaredNorm(gradient, length))
  if (norm > most) kernels.scaleVector(gradient, gradient, length, most / norm)
}

function freeze(gradient: Float32Array, frozen: readonly FrozenTensor[]): void {
  for (const { offset, length } of frozen) gradient.fill(0, offset, offset + length)
}

type PlannedOptimizer = {
  readonly rate: number | undefined
  readonly build: (arena: Arena, vectors: Vectors) => () => void
}

function planOptimizer(
  plan: ArenaPlan,
  optimizer: Optimizer,
  length: number,
  frozen: readonly FrozenTensor[],
): PlannedOptimizer {
  if ('sgd' in optimizer) {
    const { learningRate, momentum, nesterov = false } = optimizer.sgd
    if (momentum === 0) {
      return {
        rate: learningRate,
        build:
          ({ kernels }, { weights, gradient }) =>
          () =>
            kernels.plainStep(weights, gradient, length, learningRate),
      }
    }
    const velocity = plan.float32(length)
    return {
      rate: undefined,
      build: ({ kernels, float32 }, { weights, gradient }) => {
        float32(velocity, length).fill(0)
        return () => kernels.momentumStep(weights, gradient, velocity, length, learningRate, momentum, nesterov ? 1 : 0)
      },
    }
  }
  const moments = { mean: plan.float32(length), square: plan.float32(length) }
  // Without a decay a weight that has no gradient stays where it is.
  const parts = 'adamw' in optimizer ? movingParts(frozen, length) : movingParts([], length)
  const options = 'adamw' in optimizer ? optimizer.adamw : { ...optimizer.adam, weightDecay: 0 }
  return { rate: undefined, build: (arena, vectors) => adam(options, arena, vectors, moments, parts) }
}

function adam(
  { learningRate, beta1, beta2, epsilon, weightDecay }: AdamW,
  { kernels, float32 }: { kernels: TrainingKernels; float32: Arena['float32'] },
  { weights, gradient, length }: Vectors,
  { mean, square }: { readonly mean: number; readonly square: number },
  parts: ReturnType<typeof movingParts>,
): () => void {
  const keep = 1 - learningRate * weightDecay
  float32(mean, length).fill(0)
  float32(square, length).fill(0)
  let [power1, power2] = [1, 1]
  return () => {
    power1 *= beta1
    power2 *= beta2
    const rate = learningRate / (1 - power1)
    const scale = 1 / (1 - power2)
    for (const [begin, end] of parts) {
      const [w, g, m, v] = [weights + 4 * begin, gradient + 4 * begin, mean + 4 * begin, square + 4 * begin]
      kernels.adamStep(
        ...([w, g, m, v, end - begin, rate, beta1, beta2, 1 - beta1, 1 - beta2] as const),
        ...([scale, epsilon, keep] as const),
      )
    }
  }
}
