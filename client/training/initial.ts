import { ParleyError } from '../../core/errors/index.ts'
import type { Data } from '../../core/plan/data.ts'
import type { Model } from '../../core/plan/model.ts'
import type { Plan } from '../../core/plan/plan.ts'
import { randomOf } from '../../core/random/random.ts'
import { checkModelNames, withControl } from '../../core/tensors/control.ts'
import { type Layout, layoutLength, layoutOf, type TensorSpec, tensorsIn } from '../../core/tensors/layout.ts'
import { graphOf } from './graph/graph-of.ts'
import type { InitialModel } from './ports.ts'
import type { Start, StartingTensor } from './starting-tensor.ts'

/** Values in a model that a node builds at most: 1 GiB of float32. */
const MOST_PARAMETERS = 2 ** 28

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

/** Draws each tensor from its own stream, so that a layer more or less leaves the others' starting weights alone. */
function startingWeights(tensors: readonly StartingTensor[], seed: number): InitialModel {
  const layout = layoutOf(tensors)
  checkModelNames(layout)
  const length = checkSize(layout)
  const starts = new Map(tensors.map(({ name, start }) => [name, start]))
  const weights = new Float32Array(length)
  for (const { tensor, offset, length } of tensorsIn(layout)) {
    fill(weights.subarray(offset, offset + length), tensor, starts.get(tensor.name) ?? 'zeros', seed)
  }
  return { layout, weights }
}

function checkSize(layout: Layout): number {
  const length = layoutLength(layout)
  if (length <= MOST_PARAMETERS) return length
  throw new ParleyError('engine.model-unsupported', `the model has ${length} parameters, at most ${MOST_PARAMETERS}`)
}

function fill(values: Float32Array, tensor: TensorSpec, start: Start, seed: number): void {
  if (start === 'ones') values.fill(1)
  // The second quarter of an LSTM's bias is its forget gate (Jozefowicz et al., ICML 2015: it starts open).
  if (start === 'forget-gate') values.fill(1, values.length / 4, values.length / 2)
  if (start !== 'glorot') return
  const random = randomOf(seed, tensor.name)
  const bound = glorotBound(tensor.shape)
  for (let i = 0; i < values.length; i++) values[i] = (2 * random.uniform() - 1) * bound
}

/** √(6 / (fan-in + fan-out)): Glorot and Bengio, AISTATS 2010. The leading axes of a kernel are its receptive field. */
function glorotBound(shape: readonly number[]): number {
  const outputs = shape.at(-1) ?? 1
  const inputs = shape.at(-2) ?? 1
  const field = shape.slice(0, -2).reduce((product, size) => product * size, 1)
  return Math.sqrt(6 / (field * (inputs + outputs)))
}
