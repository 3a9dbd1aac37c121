import { ParleyError } from '../../core/errors/index.ts'
import type { Data } from '../../core/plan/data.ts'
import type { Model } from '../../core/plan/model.ts'
import type { Plan } from '../../core/plan/plan.ts'
import { withControl } from '../../core/tensors/control.ts'
import { layoutLength } from '../../core/tensors/layout.ts'
import { graphOf } from './graph/graph-of.ts'
import type { InitialModel } from './ports.ts'
import { checkSize, startingWeights } from './starting-weights.ts'

/**
 * What a run of the plan starts from: the plan's model and, with `training.scaffold`, control variates of zero. Fails with
 * `plan.invalid` or `engine.model-unsupported`.
 */
export async function startingModel(plan: Pick<Plan, 'model' | 'data' | 'seed' | 'training'>): Promise<InitialModel> {
  const start = await initialModel(plan.model, plan.data, plan.seed)
  if (plan.training.scaffold === undefined) return start
  const layout = withControl(start.layout)
  checkSize(layout)
  const weights = new Float32Array(layoutLength(layout))
  weights.set(start.weights)
  return { layout, weights }
}

/**
 * The model of a plan with weights drawn from `seed` (a safe integer from 0 on); `data` is the plan's data section, no data
 * is read. What a graph can say needs no engine; another `layers` topology loads TF.js for its shapes only, so the bytes are the
 * same on every engine. Fails with `plan.invalid` or `engine.model-unsupported`.
 */
export async function initialModel(model: Model, data: Data, seed: number): Promise<InitialModel> {
  const graph = graphOf(model, data)
  if ('tensors' in graph) return startingWeights(graph.tensors, seed)
  if (!('layers' in model)) throw new ParleyError('engine.model-unsupported', graph.outOfReach)
  const { topologyTensors } = await import('./tfjs/topology.ts')
  return startingWeights(await topologyTensors(model.layers, data), seed)
}
