/**
 * The face of `parley/client` in browsers: models are trained and evaluated on our own kernels, as in Node; no TF.js comes with it.
 * What a client does besides, its carriers and its policy, is Node's.
 */
import { ParleyError } from '../core/errors/index.ts'
import type { Data } from '../core/plan/data.ts'
import type { Model } from '../core/plan/model.ts'
import { allowsRelaxedSimd } from '../kernels/training/relaxed.ts'
import { reachedGraph } from './training/graph/reached.ts'
import { type LoopOptions, trainerOf } from './training/loop.ts'
import type { InitialModel, Trainer } from './training/ports.ts'
import { startingWeights } from './training/starting-weights.ts'
import { wasmNetwork } from './training/wasm/network.ts'

export type BrowserTrainerOptions = LoopOptions & {
  readonly model: Model
  readonly kernels: TrainingModule
}

/** The kernels of training, compiled. */
export type TrainingModule = WebAssembly.Module

/**
 * Compiles the kernels. A page that serves them from elsewhere than its bundler puts them gives their addresses.
 *
 * - `relaxed`: whether a multiplication and an addition may round once, which is faster; by default where the browser can. Without it
 *   the trained weights are those of every other machine without it, to the bit.
 *
 * Fails with `engine.unavailable`.
 */
export async function loadTrainingKernels({
  relaxed = allowsRelaxedSimd(),
  addresses = bundled,
}: {
  readonly relaxed?: boolean
  readonly addresses?: { readonly relaxed: URL; readonly exact: URL }
} = {}): Promise<TrainingModule> {
  const address = relaxed ? addresses.relaxed : addresses.exact
  try {
    const response = await fetch(address)
    if (!response.ok) throw new Error(`the answer is ${response.status}`)
    return await WebAssembly.compile(new Uint8Array(await response.arrayBuffer()))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new ParleyError('engine.unavailable', `the kernels at ${address.href} could not be loaded: ${reason}`, {
      cause,
    })
  }
}

const bundled = {
  relaxed: new URL('../kernels/training-relaxed.wasm', import.meta.url),
  exact: new URL('../kernels/training.wasm', import.meta.url),
}

/** A trainer of a plan's model. Fails with `engine.model-unsupported` where only TF.js would reach it. */
export function createTrainer({ model, kernels, ...options }: BrowserTrainerOptions): Trainer {
  const graph = reachedGraph(model, options.dataset)
  return trainerOf(wasmNetwork(kernels, graph, { model, ends: options.dataset }), options)
}

/** The model of a plan with weights drawn from `seed`: the same bytes as in Node. Fails as `createTrainer`. */
export function initialModel(model: Model, data: Data, seed: number): InitialModel {
  return startingWeights(reachedGraph(model, data).tensors, seed)
}

export { parsePlan } from '../core/plan/parse.ts'
export type { Plan } from '../core/plan/plan.ts'
export type { Dataset, Examples } from './data/dataset.ts'
export type { InitialModel, Trainer, TrainRequest, TrainResult } from './training/ports.ts'
