import { canonicalPlan } from '../../core/plan/parse.ts'
import type { Plan } from '../../core/plan/plan.ts'
import { type DataFiles, loadDataset } from '../data/load.ts'
import type { EngineName } from './engine-names.ts'
import type { Trainer } from './ports.ts'
import { createTrainer } from './trainer.ts'

/**
 * Trains on a coordinator's own data as a client would, for rules that compare updates with one of known origin: gives the
 * update to `weights`, a new vector. The data are read, and the model is built, once for each plan.
 */
export function rootUpdater(
  files: DataFiles,
  engine?: EngineName,
): (plan: Plan, round: number, weights: Float32Array) => Promise<Float32Array> {
  let last: { readonly plan: string; readonly trainer: Promise<Trainer> } | undefined
  const trainerOf = async (plan: Plan): Promise<Trainer> => {
    const dataset = await loadDataset(plan.data, files)
    const { model, training } = plan
    return await createTrainer({ model, dataset, training, ...(engine === undefined ? {} : { engine }) })
  }
  return async (plan, round, weights) => {
    const text = canonicalPlan(plan)
    if (last?.plan !== text) {
      const before = last
      last = { plan: text, trainer: trainerOf(plan) }
      ;(await before?.trainer.catch(() => undefined))?.dispose()
    }
    const { trainer } = last
    const { signal } = new AbortController()
    const trained = await (await trainer).train({ weights, seed: round, signal, run: 'root', model: 'root' })
    return trained.weights.map((value, j) => value - (weights[j] as number))
  }
}
