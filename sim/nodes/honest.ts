import type { Trainer, TrainRequest, TrainResult } from '../../client/index.ts'
import type { Layout } from '../../core/tensors/layout.ts'
import type { VirtualClock } from '../engine/clock.ts'
import type { TrainingPool } from '../pool/pool.ts'
import { shareable, type WeightsCache } from './weights.ts'

export type HonestDeps = {
  readonly clock: VirtualClock
  readonly pool: TrainingPool
  readonly weights: WeightsCache
  readonly layout: Layout
  /** Virtual milliseconds that this client's training of a round takes. */
  readonly trainingMs: (client: number, round: number) => number
  /** Training rows of a client. */
  readonly rowsOf: (client: number) => number
  /** Of the simulation: all noise that hides single rows follows from it. */
  readonly seed: number
}

/**
 * A client's trainer, whose work is done by the pool: in real time whenever a thread is free, in virtual time as long as the
 * client's device takes. Time stands still while a result that is due is not there yet, so the number of threads cannot be
 * told from the outside.
 */
export function pooledTrainer(deps: HonestDeps, client: number): Trainer {
  const { clock, pool, weights, layout } = deps
  let trainings = 0
  return {
    engine: 'simulated',
    layout,
    rows: { train: deps.rowsOf(client), heldOut: 0 },
    hidesRows: true,
    train: async (request: TrainRequest): Promise<TrainResult> => {
      const { model, seed, correction, records } = request
      const shared = weights.of(model, request.weights)
      const taken = pool.take({
        kind: 'train',
        client,
        weights: shared,
        seed,
        ...(correction === undefined ? {} : { correction }),
        // A round that is done again makes new noise.
        ...(records === undefined
          ? {}
          : { records: { privacy: records, seed: deps.seed, stream: `records/${client}/${trainings++}` } }),
      })
      await passing(clock, deps.trainingMs(client, seed))
      const result = await clock.holding(() => taken.result())
      if (result.kind !== 'train') throw new TypeError('the pool answered another question')
      return result
    },
    evaluate: async (values) => {
      const taken = pool.take({ kind: 'evaluate', client, weights: { id: '', values: shareable(values) } })
      // One after the other: of several that are asked at one instant, the first to be done depends on the threads.
      await passing(clock, 0)
      const result = await clock.holding(() => taken.result())
      if (result.kind !== 'evaluate') throw new TypeError('the pool answered another question')
      return result.counts
    },
    dispose: () => {},
  }
}

export function passing(clock: VirtualClock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.after(ms, resolve))
}
