import { type FrozenTensor, zeroFrozen } from '../../../core/plan/freeze.ts'
import type { RecordPrivacy } from '../../../core/plan/record-privacy.ts'
import { gridGaussian, type RandomBytes } from '../../../core/privacy/index.ts'
import type { Examples } from '../../data/dataset.ts'
import { allFinite } from '../finite.ts'
import type { TrainingSession } from '../session.ts'
import { batchTaker, poissonSampler } from './poisson-batches.ts'

export type PrivateStepsOptions = {
  /** The training rows. */
  readonly examples: Examples
  /** Values of one example. */
  readonly width: number
  readonly records: Pick<RecordPrivacy, 'clip' | 'rate' | 'batch' | 'deviation'>
  /** Rows that a session takes at once. */
  readonly most: number
  /** What is not trained: it gets no noise, and so stays where it is. */
  readonly frozen: readonly FrozenTensor[]
  /** A cryptographic generator: whoever can foresee it sees through the noise. */
  readonly randomBytes: RandomBytes
}

type Gathered = Pick<TrainingSession, 'addClipped'>

/** Adds the clipped gradients of a freshly drawn batch to what a session has gathered; gives the sum of the batch's losses. */
export function clippedBatches(options: Omit<PrivateStepsOptions, 'frozen'>): (session: Gathered) => number {
  const { examples, width, records, most, randomBytes } = options
  const { clip, rate, batch } = records
  const draw = poissonSampler(examples.rows, rate, randomBytes)
  const take = batchTaker(examples, width, Math.min(most, examples.rows))
  return (session) => {
    let loss = 0
    for (const part of take(draw())) loss += session.addClipped(part, clip, batch)
    return loss
  }
}

/**
 * Steps of DP-SGD (Abadi et al., CCS 2016, algorithm 1) of a session: each draws a batch, adds up its clipped gradients, divides
 * them by the size that batches have on average, adds noise, and goes on along that. Whatever the session adds to the
 * gradient by itself, it adds afterwards. Gives the sum of the batch's losses, 0 for an empty one; where it or a gradient is not
 * finite it gives NaN, and the weights stay as they are.
 */
export function privateSteps(options: PrivateStepsOptions): (session: TrainingSession) => number {
  const { frozen, randomBytes, records } = options
  const gather = clippedBatches(options)
  let addNoise: ReturnType<typeof gridGaussian> | undefined
  return (session) => {
    const loss = gather(session)
    const { gathered } = session
    if (!Number.isFinite(loss) || !allFinite(gathered)) return Number.NaN
    addNoise ??= gridGaussian(records.deviation, randomBytes, gathered.length)
    addNoise(gathered)
    zeroFrozen(gathered, 0, frozen)
    session.applyGathered()
    return loss
  }
}
