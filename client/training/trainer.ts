import type { Model } from '../../core/plan/model.ts'
import type { EngineName } from './engine-names.ts'
import { chooseNetwork } from './engines.ts'
import { type LoopOptions, trainerOf } from './loop.ts'
import type { Trainer } from './ports.ts'

export type TrainerOptions = LoopOptions & {
  readonly model: Model
  /** By default the fastest engine that works here. */
  readonly engine?: EngineName
}

/**
 * A trainer for a plan's model on a client's data. Fails with `engine.unavailable`, `engine.model-unsupported` or
 * `plan.invalid`.
 */
export async function createTrainer({ model, engine, ...options }: TrainerOptions): Promise<Trainer> {
  return trainerOf(await chooseNetwork({ model, ends: options.dataset }, engine), options)
}
