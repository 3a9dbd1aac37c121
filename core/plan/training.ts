import { z } from 'zod'
import { oneOf } from './model.ts'

const learningRate = z.number().gt(0).max(100).describe('step size')

const sgd = z
  .strictObject({
    learningRate,
    momentum: z.number().min(0).lt(1).default(0).describe('share of the last step that is kept (heavy ball)'),
    nesterov: z.boolean().optional().describe('the momentum looks a step ahead; absent is false'),
  })
  .refine(({ momentum, nesterov }) => nesterov !== true || momentum > 0, {
    message: 'needs a momentum above 0',
    path: ['nesterov'],
  })

const moments = {
  learningRate,
  beta1: z.number().min(0).lt(1).default(0.9),
  beta2: z.number().min(0).lt(1).default(0.999),
  epsilon: z.number().gt(0).max(1).default(1e-8),
}

const adam = z.strictObject(moments)

const adamw = z.strictObject({
  ...moments,
  weightDecay: z
    .number()
    .min(0)
    .max(1_000)
    .default(0.01)
    .describe('share of each weight, times the step size, that a step takes away'),
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

const optimizer = oneOf({ sgd, adam, adamw })

const clipGradient = z.strictObject({
  norm: z.number().gt(0).max(1e9).describe('a longer gradient of a batch is scaled down to this Euclidean norm'),
})

/** Names in the order in which they are told of; `auto` is the choice of the client. */
const engine = z.enum(['auto', 'wasm', 'tfjs', 'tfjs-node', 'tfjs-wasm', 'tfjs-cpu'])

const freeze = z
  .array(z.string().min(1).max(1_000))
  .min(1)
  .max(1_000)
  .describe('layers or tensors that stay as the run starts with them: dense_1, or dense_1/kernel')

/**
 * How a client trains in one round. Exactly one of `epochs` (passes over the training rows) and `steps` (batches).
 * The optimizer starts afresh in every round.
 *
 * What becomes of the gradient of a batch's mean loss, in this order: `clipGradient` bounds it (Pascanu et al., ICML 2013); the
 * penalties `l2` of the model, `fedprox` and `weightDecay` are added, then SCAFFOLD's correction, and the optimizer takes its step.
 *
 * - `weightDecay`: λ of λ/2 · ‖w‖² over all weights, biases too. Adam scales it as it does the rest of the gradient; `adamw` has a
 *   decay of its own that it does not scale (Loshchilov and Hutter, ICLR 2019), so the two are not given together.
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
    weightDecay: z.number().min(0).max(1_000).optional().describe('of all weights, biases too: weightDecay/2 · ‖w‖²'),
    clipGradient: clipGradient.optional(),
    engine: engine
      .optional()
      .describe('what trains; absent is auto: the fastest engine that the client has for the model'),
  },
)
  .refine(({ scaffold, optimizer }) => scaffold === undefined || plainRate(optimizer) !== undefined, {
    message: 'scaffold needs the optimizer sgd without momentum: its control variates are averages of plain steps',
    path: ['scaffold'],
  })
  .refine(({ weightDecay, optimizer }) => weightDecay === undefined || !('adamw' in optimizer), {
    message: 'adamw has a weightDecay of its own: give that one alone',
    path: ['weightDecay'],
  })

export type Training = z.output<typeof trainingSchema>
export type Optimizer = z.output<typeof optimizer>
export type Sgd = z.output<typeof sgd>
export type Adam = z.output<typeof adam>
export type AdamW = z.output<typeof adamw>

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
 *   g = 1 − η·μ·s,  v ← ρ·v + g,  s ← s + v, or with Nesterov's momentum s ← s + g + ρ·v.
 * For Adam and AdamW, whose steps are no sum of gradients, it is the number of steps, as it is where the term overshoots.
 * Weight decay and clipping are of the gradients themselves, and count for nothing here.
 */
export function plainSteps({ optimizer, fedprox }: Training, steps: number): number {
  if (!('sgd' in optimizer)) return steps
  const { momentum, learningRate, nesterov = false } = optimizer.sgd
  const pull = learningRate * (fedprox?.mu ?? 0)
  if ((momentum === 0 && pull === 0) || pull > 1) return steps
  if (pull === 0) {
    const heavy = (steps - (momentum * (1 - momentum ** steps)) / (1 - momentum)) / (1 - momentum)
    return nesterov ? steps + momentum * heavy : heavy
  }
  let [distance, velocity] = [0, 0]
  for (let k = 0; k < Math.min(steps, MOST_COUNTED); k++) {
    const gradient = 1 - pull * distance
    velocity = momentum * velocity + gradient
    distance += nesterov ? gradient + momentum * velocity : velocity
  }
  return distance
}
