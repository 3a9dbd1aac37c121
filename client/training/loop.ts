import { ParleyError } from '../../core/errors/index.ts'
import { frozenTensors } from '../../core/plan/freeze.ts'
import { plainRate, stepsOf, type Training } from '../../core/plan/training.ts'
import { randomOf } from '../../core/random/random.ts'
import type { Dataset } from '../data/dataset.ts'
import { batchesOf } from './batches.ts'
import { type ControlMemory, memoryControls } from './controls.ts'
import { countAll, countGroups, type GroupPolicy, type Scored } from './count-groups.ts'
import { widthOf } from './length.ts'
import { probabilities } from './loss.ts'
import type { Network } from './network.ts'
import { createPace, type PaceLimits } from './pace.ts'
import type { Trainer, TrainRequest, TrainResult } from './ports.ts'
import { withScaffold } from './scaffold.ts'

export type LoopOptions = {
  /** The client's data, made with the data section of the plan. */
  readonly dataset: Dataset
  readonly training: Training
  /** The groups of the plan, of which the data set must know the rows. */
  readonly evaluation?: GroupPolicy
  /** Where the client's own control variates are kept, for plans with `scaffold`; by default only in this trainer. */
  readonly controls?: ControlMemory
  /** How much of the machine it may take; by default all. */
  readonly resources?: PaceLimits
}

/** A trainer of a network, which it disposes of with itself, also where it fails with `plan.invalid`. */
export function trainerOf(network: Network, options: LoopOptions): Trainer {
  checkFrozen(options.training, network)
  const trainer = plainTrainer(network, options)
  const { optimizer, scaffold } = options.training
  const rate = plainRate(optimizer)
  return scaffold === undefined || rate === undefined
    ? trainer
    : withScaffold(trainer, rate, options.controls ?? memoryControls())
}

function plainTrainer(network: Network, { dataset, training, evaluation, resources }: LoopOptions): Trainer {
  const { groups } = dataset
  return {
    engine: network.engine,
    why: network.why,
    layout: network.layout,
    rows: { train: dataset.train.rows, heldOut: dataset.test.rows },
    train: async (request) => await train({ network, dataset, training, resources }, request),
    evaluate: async (weights, signal) => countAll(await scored({ network, dataset, resources }, weights, signal)),
    ...(evaluation === undefined || groups === undefined
      ? {}
      : {
          evaluateGroups: async (weights, signal) =>
            countGroups(await scored({ network, dataset, resources }, weights, signal), groups, evaluation),
        }),
    dispose: () => network.dispose(),
  }
}

/** A name that nothing in the model has is told before anybody trains. */
function checkFrozen({ freeze }: Training, network: Network): void {
  try {
    frozenTensors(freeze, network.layout)
  } catch (failure) {
    network.dispose()
    throw failure
  }
}

type Work = {
  network: Network
  dataset: Dataset
  training: Training
  resources?: PaceLimits | undefined
}

async function train({ network, dataset, training, resources }: Work, request: TrainRequest): Promise<TrainResult> {
  const { weights, seed, signal, onProgress, correction } = request
  const rows = dataset.train.rows
  const { steps, perEpoch } = stepsOf(training, rows)
  const dropout = randomOf(seed, 'dropout')
  const session = network.begin({
    weights,
    training,
    rows: Math.min(training.batch, rows),
    dropout,
    correction,
    memoryBytes: resources?.memoryBytes,
  })
  try {
    const batches = batchesOf(dataset.train, widthOf(dataset), training.batch, randomOf(seed, 'batches'))
    const pace = createPace(signal, resources)
    let [lossSum, lossRows] = [0, 0]
    for (let step = 0; step < steps; step++) {
      const pause = pace()
      if (pause !== undefined) {
        onProgress?.(step / steps)
        await pause
      }
      const batch = batches.next().value
      const sum = session.step(batch)
      if (!Number.isFinite(sum)) throw diverged(step)
      if (step >= steps - perEpoch) {
        lossSum += sum
        lossRows += batch.rows
      }
    }
    if (!session.weights.every(Number.isFinite)) throw diverged(steps)
    onProgress?.(1)
    return { weights: session.weights.slice(), samples: rows, loss: lossSum / lossRows, steps }
  } finally {
    session.end()
  }
}

/** Rows that are evaluated at once: as many as fit into about a million input values. */
const EVALUATION_VALUES = 2 ** 20

/** What a model makes of the held-out rows. */
export async function scored(
  { network, dataset, resources }: Pick<Work, 'network' | 'dataset' | 'resources'>,
  weights: Float32Array,
  signal: AbortSignal,
): Promise<Scored> {
  const { rows, labels, features } = dataset.test
  const width = widthOf(dataset)
  const logits = new Float32Array(rows * dataset.classes)
  const most = Math.max(1, Math.min(512, Math.floor(EVALUATION_VALUES / width)))
  const pace = createPace(signal, resources)
  const predictor = network.predictor(weights)
  try {
    for (let start = 0; start < rows; start += most) {
      await pace()
      const end = Math.min(rows, start + most)
      const some = predictor.predict(features.subarray(start * width, end * width), end - start)
      logits.set(some, start * dataset.classes)
    }
  } finally {
    predictor.end()
  }
  const { classes, numeric } = dataset
  return { scores: numeric === undefined ? probabilities(logits, classes) : logits, labels, classes, numeric }
}

function diverged(step: number): ParleyError {
  return new ParleyError('engine.diverged', `the training loss is not finite at step ${step}`, { details: { step } })
}
