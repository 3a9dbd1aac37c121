import { z } from 'zod'
import { oneOf } from './model.ts'

const learningRate = z.number().gt(0).max(100).describe('step size')

const sgd = z.strictObject({
  learningRate,
  momentum: z.number().min(0).lt(1).default(0).describe('share of the last step that is kept (heavy ball)'),
})

const adam = z.strictObject({
  learningRate,
  beta1: z.number().min(0).lt(1).default(0.9),
  beta2: z.number().min(0).lt(1).default(0.999),
  epsilon: z.number().gt(0).max(1).default(1e-8),
})

const fedprox = z.strictObject({
  mu: z.number().min(0).max(1_000).describe('strength of the pull to the weights of the round: mu/2 · ‖w − w₀‖²'),
})

/**
 * How a client trains in one round. Exactly one of `epochs` (passes over the training rows) and `steps` (batches).
 * The optimizer starts afresh in every round.
 */
export const trainingSchema = oneOf(
  {
    epochs: z.int().min(1).max(10_000),
    steps: z.int().min(1).max(1_000_000),
  },
  {
    batch: z.int().min(1).max(65_536).default(32).describe('rows in one step; the last of an epoch may have fewer'),
    optimizer: oneOf({ sgd, adam }),
    fedprox: fedprox.optional(),
  },
)

export type Training = z.output<typeof trainingSchema>
export type Optimizer = Training['optimizer']
export type Sgd = z.output<typeof sgd>
export type Adam = z.output<typeof adam>

/** Steps of one round on so many training rows, and steps of one epoch. */
export function stepsOf(training: Training, rows: number): { steps: number; perEpoch: number } {
  const perEpoch = Math.max(1, Math.ceil(rows / training.batch))
  return { steps: 'steps' in training ? training.steps : training.epochs * perEpoch, perEpoch }
}
