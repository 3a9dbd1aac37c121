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

const scaffold = z.strictObject({
  clients: z.int().min(1).max(100_000).optional().describe('clients in the whole federation; absent is the cohort'),
})

const loss = z.union([
  z.literal('mse'),
  z.strictObject({
    huber: z.strictObject({ delta: z.number().gt(0).max(2e12).describe('in the unit of the label') }),
  }),
])

const optimizer = oneOf({ sgd, adam })

const freeze = z
  .array(z.string().min(1).max(1_000))
  .min(1)
  .max(1_000)
  .describe('layers or tensors that stay as the run starts with them: dense_1, or dense_1/kernel')

/**
 * How a client trains in one round. Exactly one of `epochs` (passes over the training rows) and `steps` (batches).
 * The optimizer starts afresh in every round.
 *
 * - `scaffold`: every gradient is corrected by control variates (SCAFFOLD), which a client works out from how far plain
 *   steps took it: an optimizer that scales or remembers its steps would make them mean something else.
 * - `freeze`: the update of these tensors is exactly zero, and the coordinator refuses another one (see freeze.ts).
 */
export const trainingSchema = oneOf(
  {
    epochs: z.int().min(1).max(10_000),
    steps: z.int().min(1).max(1_000_000),
  },
  {
    batch: z.int().min(1).max(65_536).default(32).describe('rows in one step; the last of an epoch may have fewer'),
    optimizer,
    loss: loss.optional().describe('of a numeric label: mse, the default, or huber, linear for errors beyond delta'),
    fedprox: fedprox.optional(),
    scaffold: scaffold.optional(),
    freeze: freeze.optional(),
  },
).refine(({ scaffold, optimizer }) => scaffold === undefined || plainRate(optimizer) !== undefined, {
  message: 'scaffold needs the optimizer sgd without momentum: its control variates are averages of plain steps',
  path: ['scaffold'],
})

export type Training = z.output<typeof trainingSchema>
export type Optimizer = z.output<typeof optimizer>
export type Sgd = z.output<typeof sgd>
export type Adam = z.output<typeof adam>

/** The step size of plain gradient descent; undefined for every other optimizer. */
export function plainRate(optimizer: Optimizer): number | undefined {
  return 'sgd' in optimizer && optimizer.sgd.momentum === 0 ? optimizer.sgd.learningRate : undefined
}

/** Steps of one round on so many training rows, and steps of one epoch. */
export function stepsOf(training: Training, rows: number): { steps: number; perEpoch: number } {
  const perEpoch = Math.max(1, Math.ceil(rows / training.batch))
  return { steps: 'steps' in training ? training.steps : training.epochs * perEpoch, perEpoch }
}

/** As many as a plan may ask for by number; a client may claim any number. */
const MOST_COUNTED = 1_000_000

/**
 * How far `steps` local steps go, in steps of plain descent: ‖a‖₁ of Wang et al., Tackling the objective inconsistency
 * problem, NeurIPS 2020 (FedNova), where the steps sum up to η·Σ aₖ·gₖ. Every gradient counts more with a momentum ρ, and the
 * early ones less with a proximal term: for gradients of 1 the distance s follows
 *   v ← ρ·v + 1 − η·μ·s,  s ← s + v.
 * For Adam, whose steps are no sum of gradients, it is the number of steps, as it is where the term overshoots.
 */
export function plainSteps({ optimizer, fedprox }: Training, steps: number): number {
  if (!('sgd' in optimizer)) return steps
  const { momentum, learningRate } = optimizer.sgd
  const pull = learningRate * (fedprox?.mu ?? 0)
  if ((momentum === 0 && pull === 0) || pull > 1) return steps
  if (pull === 0) return (steps - (momentum * (1 - momentum ** steps)) / (1 - momentum)) / (1 - momentum)
  let [distance, velocity] = [0, 0]
  for (let k = 0; k < Math.min(steps, MOST_COUNTED); k++) {
    velocity = momentum * velocity + 1 - pull * distance
    distance += velocity
  }
  return distance
}
