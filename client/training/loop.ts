import { ParleyError } from '../../core/errors/index.ts'
import { frozenTensors } from '../../core/plan/freeze.ts'
import { plainRate, stepsOf, type Training } from '../../core/plan/training.ts'
import type { RandomBytes } from '../../core/privacy/index.ts'
import { randomOf } from '../../core/random/random.ts'
import type { Dataset } from '../data/dataset.ts'
import { batchesOf } from './batches.ts'
import { type ControlMemory, memoryControls } from './controls.ts'
import { countAll, countGroups, type GroupPolicy, type Scored } from './count-groups.ts'
import { allFinite } from './finite.ts'
import { widthOf } from './length.ts'
import { probabilities } from './loss.ts'
import type { Network } from './network.ts'
import { createPace, type PaceLimits } from './pace.ts'
import type { Trainer, TrainRequest, TrainResult } from './ports.ts'
import { privateSteps } from './records/private-steps.ts'
import { secretRandom } from './records/secret-random.ts'
import { withScaffold } from './scaffold.ts'
import type { TrainingSession } from './session.ts'

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
  /** A cryptographic generator, for requests that hide single rows; without it the trainer cannot do them. */
  readonly randomBytes?: RandomBytes | undefined
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

function plainTrainer(network: Network, options: LoopOptions): Trainer {
  const { dataset, training, evaluation, resources, randomBytes } = options
  const { groups } = dataset
  return {
    engine: network.engine,
    why: network.why,
    layout: network.layout,
    rows: { train: dataset.train.rows, heldOut: dataset.test.rows },
    ...(randomBytes === undefined ? {} : { hidesRows: true }),
    train: async (request) => await train({ network, dataset, training, resources, randomBytes }, request),
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
  randomBytes?: RandomBytes | undefined
}

async function train(work: Work, request: TrainRequest): Promise<TrainResult> {
  const { network, dataset, training, resources } = work
  const { weights, seed, signal, onProgress, correction, records } = request
  const rows = dataset.train.rows
  const { steps, perEpoch } = stepsOf(training, rows)
  // Of a known stream each row's place would tell of the rows before it.
  const dropout = records === undefined ? randomOf(seed, 'dropout') : secretRandom(bytesOf(work))
  const session = network.begin({
    weights,
    training,
    rows: Math.min(training.batch, rows),
    dropout,
    correction,
    memoryBytes: resources?.memoryBytes,
  })
  try {
    const advance = records === undefined ? shuffledSteps(work, seed) : hidingSteps(work, records)
    const pace = createPace(signal, resources)
    let [lossSum, lossRows] = [0, 0]
    for (let step = 0; step < steps; step++) {
      const pause = pace()
      if (pause !== undefined) {
        onProgress?.(step / steps)
        await pause
      }
      const { loss, rows: told } = advance(session)
      if (!Number.isFinite(loss)) throw diverged(step)
      if (step >= steps - perEpoch && told > 0) {
        lossSum += loss
        lossRows += told
      }
    }
    if (!allFinite(session.weights)) throw diverged(steps)
    onProgress?.(1)
    return { weights: session.weights.slice(), samples: rows, loss: lossRows === 0 ? 0 : lossSum / lossRows, steps }
  } finally {
    session.end()
  }
}

/** One step: the sum of the losses of a batch, and of how many rows it may be told. */
type Advance = (session: TrainingSession) => { readonly loss: number; readonly rows: number }

function shuffledSteps({ dataset, training }: Work, seed: number): Advance {
  const batches = batchesOf(dataset.train, widthOf(dataset), training.batch, randomOf(seed, 'batches'))
  return (session) => {
    const batch = batches.next().value
    return { loss: session.step(batch), rows: batch.rows }
  }
}

function hidingSteps(work: Work, records: NonNullable<TrainRequest['records']>): Advance {
  const { dataset, network, training } = work
  const advance = privateSteps({
    examples: dataset.train,
    width: widthOf(dataset),
    records,
    most: training.batch,
    frozen: frozenTensors(training.freeze, network.layout),
    randomBytes: bytesOf(work),
  })
  return (session) => ({ loss: advance(session), rows: 0 })
}

function bytesOf({ randomBytes }: Work): RandomBytes {
  if (randomBytes === undefined) throw new ParleyError('internal', 'this trainer has nothing to make secret noise of')
  return randomBytes
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
