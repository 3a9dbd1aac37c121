import type { FrozenTensor } from '../../../core/plan/freeze.ts'
import type { Adam, Optimizer, Sgd } from '../../../core/plan/training.ts'
import { movingParts } from '../optimizer.ts'
import type { Arena, ArenaPlan } from './arena.ts'

/** Addresses of flat vectors of `length` values. */
export type Vectors = { readonly weights: number; readonly gradient: number; readonly length: number }

/** An optimizer whose memory is laid out in an arena that is not taken yet. */
export type PlannedOptimizer = {
  /** The step size, where a step is nothing but weights − rate · gradient. */
  readonly rate: number | undefined
  /** The step itself. */
  readonly build: (arena: Arena, vectors: Vectors) => () => void
}

/** The optimizers of client/training/optimizer.ts, which says what each of them does, on the kernels. */
export function planOptimizer(
  plan: ArenaPlan,
  optimizer: Optimizer,
  length: number,
  frozen: readonly FrozenTensor[],
): PlannedOptimizer {
  if ('sgd' in optimizer) return planDescent(plan, optimizer.sgd, length)
  if ('adam' in optimizer) return planAdam(plan, optimizer.adam, 0, length, [])
  return planAdam(plan, optimizer.adamw, optimizer.adamw.weightDecay, length, frozen)
}

function planDescent(
  plan: ArenaPlan,
  { learningRate, momentum, nesterov = false }: Sgd,
  length: number,
): PlannedOptimizer {
  if (momentum === 0) {
    const build =
      ({ kernels }: Arena, { weights, gradient }: Vectors) =>
      () =>
        kernels.plainStep(weights, gradient, length, learningRate)
    return { rate: learningRate, build }
  }
  const velocity = plan.float32(length)
  return {
    rate: undefined,
    build: ({ kernels, float32 }, { weights, gradient }) => {
      float32(velocity, length).fill(0)
      const ahead = nesterov ? 1 : 0
      return () => kernels.momentumStep(weights, gradient, velocity, length, learningRate, momentum, ahead)
    },
  }
}

function planAdam(
  plan: ArenaPlan,
  { learningRate, beta1, beta2, epsilon }: Adam,
  decay: number,
  length: number,
  frozen: readonly FrozenTensor[],
): PlannedOptimizer {
  const mean = plan.float32(length)
  const square = plan.float32(length)
  const moving = movingParts(frozen, length)
  return {
    rate: undefined,
    build: ({ kernels, float32 }, { weights, gradient }) => {
      float32(mean, length).fill(0)
      float32(square, length).fill(0)
      let [power1, power2] = [1, 1]
      return () => {
        power1 *= beta1
        power2 *= beta2
        const rate = learningRate / (1 - power1)
        const scale = 1 / (1 - power2)
        const keep = 1 - learningRate * decay
        for (const [begin, end] of moving) {
          const at = 4 * begin
          const vectors = [weights + at, gradient + at, mean + at, square + at, end - begin] as const
          kernels.adamStep(...vectors, rate, beta1, beta2, 1 - beta1, 1 - beta2, scale, epsilon, keep)
        }
      }
    },
  }
}
