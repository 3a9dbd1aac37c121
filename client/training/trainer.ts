import { ParleyError } from '../../core/errors/index.ts'
import { architectureOf } from '../../core/plan/architecture.ts'
import { type FrozenTensor, frozenTensors, zeroFrozen } from '../../core/plan/freeze.ts'
import type { Model } from '../../core/plan/model.ts'
import { plainRate, stepsOf, type Training } from '../../core/plan/training.ts'
import { randomOf } from '../../core/random/random.ts'
import { layoutLength, tensorsIn } from '../../core/tensors/layout.ts'
import type { Dataset, Examples } from '../data/dataset.ts'
import { type Batch, batchesOf } from './batches.ts'
import { type ControlMemory, memoryControls } from './controls.ts'
import { countAll, countGroups, type GroupPolicy, type Scored } from './count-groups.ts'
import { lossFor, probabilities } from './loss.ts'
import { addProximal, addTo, createOptimizer } from './optimizer.ts'
import { createPace, type PaceLimits } from './pace.ts'
import type { Trainer, TrainRequest, TrainResult } from './ports.ts'
import { withScaffold } from './scaffold.ts'
import { type Engine, type EngineName, loadEngine, type Tensor } from './tfjs/load.ts'
import type { Network } from './tfjs/network.ts'
import { shortFormNetwork } from './tfjs/short-form.ts'

export type TrainerOptions = {
  readonly model: Model
  /** The client's data, made with the data section of the plan. */
  readonly dataset: Dataset
  readonly training: Training
  /** By default the fastest engine that works here. */
  readonly engine?: EngineName
  /** The groups of the plan, of which the data set must know the rows. */
  readonly evaluation?: GroupPolicy
  /** Where the client's own control variates are kept, for plans with `scaffold`; by default only in this trainer. */
  readonly controls?: ControlMemory
  /** How much of the machine it may take; by default all. */
  readonly resources?: PaceLimits
}

/**
 * A trainer for a plan's model on a client's data. Fails with `engine.unavailable`, `engine.model-unsupported` or
 * `plan.invalid`.
 */
export async function createTrainer(options: TrainerOptions): Promise<Trainer> {
  const trainer = await plainTrainer(options)
  const { optimizer, scaffold } = options.training
  const rate = plainRate(optimizer)
  return scaffold === undefined || rate === undefined
    ? trainer
    : withScaffold(trainer, rate, options.controls ?? memoryControls())
}

async function plainTrainer(options: TrainerOptions): Promise<Trainer> {
  const { model, dataset, training, evaluation, engine: name, resources } = options
  const { groups } = dataset
  const engine = await loadEngine(name)
  const network = await networkOf(engine, model, dataset)
  const frozen = frozenTensors(training.freeze, network.layout)
  return {
    engine: engine.name,
    layout: network.layout,
    rows: { train: dataset.train.rows, heldOut: dataset.test.rows },
    train: async (request) => await train({ engine, network, model, dataset, training, frozen, resources }, request),
    evaluate: async (weights, signal) =>
      countAll(await scored({ engine, network, dataset, resources }, weights, signal)),
    ...(evaluation === undefined || groups === undefined
      ? {}
      : {
          evaluateGroups: async (weights, signal) =>
            countGroups(await scored({ engine, network, dataset, resources }, weights, signal), groups, evaluation),
        }),
    dispose: () => network.dispose(),
  }
}

/** The plan's model on an engine. */
export async function networkOf(engine: Engine, model: Model, dataset: Dataset): Promise<Network> {
  if (!('layers' in model)) return shortFormNetwork(engine, architectureOf(model, dataset))
  const { topologyNetwork } = await import('./tfjs/topology.ts')
  return await topologyNetwork(engine, model.layers, dataset)
}

type Work = {
  engine: Engine
  network: Network
  model: Model
  dataset: Dataset
  training: Training
  frozen: readonly FrozenTensor[]
  resources?: PaceLimits | undefined
}

async function train(work: Work, request: TrainRequest): Promise<TrainResult> {
  const { weights: start, seed, signal, onProgress, correction } = request
  const { engine, network, dataset, training, frozen, resources } = work
  checkLength(network, start)
  const rows = dataset.train.rows
  const { steps, perEpoch } = stepsOf(training, rows)
  const weights = start.slice()
  const gradient = new Float32Array(weights.length)
  const optimize = createOptimizer(training.optimizer, weights.length)
  const lossOf = lossFor(dataset, training.loss)
  const penalize = penaltyOf(work, start)
  const batches = batchesOf(dataset.train, widthOf(dataset), training.batch, randomOf(seed, 'batches'))
  const dropout = randomOf(seed, 'dropout')
  const pace = createPace(signal, resources)
  let [lossSum, lossRows] = [0, 0]
  for (let step = 0; step < steps; step++) {
    const pause = pace()
    if (pause !== undefined) {
      onProgress?.(step / steps)
      await pause
    }
    const batch = batches.next().value
    const sum = gradientOf(engine, network, dataset, lossOf, weights, batch, dropout, gradient)
    if (!Number.isFinite(sum)) throw diverged(step)
    penalize(gradient, weights)
    if (correction !== undefined) addTo(gradient, correction)
    // Last: every optimizer leaves a weight without a gradient exactly where it is.
    zeroFrozen(gradient, 0, frozen)
    optimize(weights, gradient)
    if (step >= steps - perEpoch) {
      lossSum += sum
      lossRows += batch.rows
    }
  }
  if (!weights.every(Number.isFinite)) throw diverged(steps)
  onProgress?.(1)
  return { weights, samples: rows, loss: lossSum / lossRows, steps }
}

/** Writes the gradient of one batch into `gradient` and gives the sum of its losses. */
function gradientOf(
  engine: Engine,
  network: Network,
  dataset: Dataset,
  lossOf: ReturnType<typeof lossFor>,
  weights: Float32Array,
  { rows, features, labels }: Batch,
  dropout: ReturnType<typeof randomOf>,
  gradient: Float32Array,
): number {
  engine.use()
  let sum = 0
  engine.tf.tidy(() => {
    const tensors = uploadWeights(engine, network, weights)
    const x = engine.upload(features, [rows, ...network.input])
    const lossGradient = (logits: Tensor): Tensor => {
      const loss = lossOf(engine.read(logits), labels)
      sum = loss.sum
      return engine.upload(loss.gradient, [rows, dataset.classes])
    }
    const gradients = network.gradients(tensors, x, lossGradient, dropout)
    let offset = 0
    for (const tensor of gradients) {
      gradient.set(engine.read(tensor), offset)
      offset += tensor.size
    }
  })
  return sum
}

/** What is added to the loss's gradient: weight decay of a logistic or linear model's kernel, and FedProx. */
function penaltyOf({ model, network, training }: Work, start: Float32Array) {
  const l2 = 'logistic' in model ? model.logistic.l2 : 'linear' in model ? model.linear.l2 : 0
  const mu = training.fedprox?.mu ?? 0
  const kernel = [...tensorsIn(network.layout)].find(({ tensor }) => tensor.name.endsWith('/kernel'))
  return (gradient: Float32Array, weights: Float32Array) => {
    if (mu > 0) addProximal(gradient, weights, start, mu)
    if (l2 === 0 || kernel === undefined) return
    for (let i = kernel.offset; i < kernel.offset + kernel.length; i++) {
      gradient[i] = (gradient[i] as number) + l2 * (weights[i] as number)
    }
  }
}

/** Rows that are evaluated at once: as many as fit into about a million input values. */
const EVALUATION_VALUES = 2 ** 20

/** What a model makes of the held-out rows. */
export async function scored(
  { engine, network, dataset, resources }: Pick<Work, 'engine' | 'network' | 'dataset' | 'resources'>,
  weights: Float32Array,
  signal: AbortSignal,
): Promise<Scored> {
  checkLength(network, weights)
  const { rows, labels } = dataset.test
  const width = widthOf(dataset)
  const logits = new Float32Array(rows * dataset.classes)
  const most = Math.max(1, Math.min(512, Math.floor(EVALUATION_VALUES / width)))
  const pace = createPace(signal, resources)
  for (let start = 0; start < rows; start += most) {
    await pace()
    const end = Math.min(rows, start + most)
    logits.set(predict(engine, network, weights, dataset.test, start, end), start * dataset.classes)
  }
  const { classes, numeric } = dataset
  return { scores: numeric === undefined ? probabilities(logits, classes) : logits, labels, classes, numeric }
}

function predict(
  engine: Engine,
  network: Network,
  weights: Float32Array,
  { features, rows }: Examples,
  start: number,
  end: number,
): Float32Array {
  const width = features.length / rows
  engine.use()
  let logits = new Float32Array()
  engine.tf.tidy(() => {
    const x = engine.upload(features.subarray(start * width, end * width), [end - start, ...network.input])
    logits = engine.read(network.predict(uploadWeights(engine, network, weights), x)).slice()
  })
  return logits
}

export function uploadWeights(engine: Engine, network: Network, weights: Float32Array): Tensor[] {
  return Array.from(tensorsIn(network.layout), ({ tensor, offset, length }) =>
    engine.upload(weights.subarray(offset, offset + length), tensor.shape),
  )
}

export function widthOf({ shape }: Pick<Dataset, 'shape'>): number {
  return shape.reduce((product, size) => product * size, 1)
}

export function checkLength(network: Network, weights: Float32Array): void {
  const length = layoutLength(network.layout)
  if (weights.length !== length) {
    throw new ParleyError('node.model-mismatch', `the weights have ${weights.length} values, the model has ${length}`)
  }
}

function diverged(step: number): ParleyError {
  return new ParleyError('engine.diverged', `the training loss is not finite at step ${step}`, { details: { step } })
}
