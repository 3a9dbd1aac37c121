import type { Model } from '../../core/plan/model.ts'
import type { EngineName } from './engine-names.ts'
import { chooseNetwork } from './engines.ts'
import { type LoopOptions, trainerOf } from './loop.ts'
import type { Trainer } from './ports.ts'

export type TrainerOptions = LoopOptions & {
  readonly model: Model
  /** The engine that this machine is set to; by default the fastest that works here. */
  readonly engine?: EngineName
  /** The engines that the site's policy allows; by default all. */
  readonly allowedEngines?: readonly EngineName[]
}

/**
 * A trainer for a plan's model on a client's data. Fails with `engine.unavailable`, `engine.model-unsupported` or
 * `plan.invalid`.
 */
export async function createTrainer({ model, engine, allowedEngines, ...options }: TrainerOptions): Promise<Trainer> {
  const wishes = { plan: options.training.engine, own: engine, allowed: allowedEngines }
  return trainerOf(await chooseNetwork({ model, ends: options.dataset }, wishes), options)
}
