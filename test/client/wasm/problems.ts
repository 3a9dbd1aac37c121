import type { Batch } from '../../../client/training/batches.ts'
import type { Graph } from '../../../client/training/graph/graph.ts'
import { graphOf } from '../../../client/training/graph/graph-of.ts'
import { sizeOf } from '../../../client/training/graph/shapes.ts'
import type { NetworkEnds } from '../../../client/training/network.ts'
import type { TrainingSession } from '../../../client/training/session.ts'
import { wasmNetwork } from '../../../client/training/wasm/network.ts'
import { type Model, modelSchema } from '../../../core/plan/model.ts'
import { type Training, trainingSchema } from '../../../core/plan/training.ts'
import { randomOf } from '../../../core/random/random.ts'
import { layoutLength, layoutOf, tensorsIn } from '../../../core/tensors/layout.ts'
import { trainingModule } from '../../../kernels/training/index.ts'
import { derivedRows } from '../reference/reference.ts'

/** A model, weights and a batch. */
export type Problem = {
  readonly model: Model
  readonly graph: Graph
  readonly ends: NetworkEnds
  readonly weights: Float32Array
  readonly batch: Batch
}

export type ProblemOptions = {
  readonly rows: number
  readonly seed?: number
  /** Features are whole numbers below it, for an embedding. */
  readonly vocabulary?: number | undefined
}

/** A model as a plan says it, or a topology, with random weights and examples. */
export function problemOf(model: unknown, ends: NetworkEnds, options: ProblemOptions): Problem {
  const parsed = modelSchema.parse(model)
  const graph = graphOf(parsed, ends)
  if ('outOfReach' in graph) throw new Error(graph.outOfReach)
  return { ...problemOfGraph(graph, ends, options), model: parsed }
}

/** The model is only there for what a plan says besides its layers. */
export function problemOfGraph(
  graph: Graph,
  ends: NetworkEnds,
  { rows, seed = 1, vocabulary }: ProblemOptions,
): Problem {
  const random = randomOf(seed, 'problem')
  const value = () => (vocabulary === undefined ? random.normal() : random.below(vocabulary))
  const label = () => (ends.numeric === undefined ? random.below(Math.max(2, ends.classes)) : random.below(1_000_001))
  return {
    model: modelSchema.parse({ mlp: { hidden: [1] } }),
    graph,
    ends,
    weights: randomWeights(graph, seed),
    batch: {
      rows,
      features: Float32Array.from({ length: rows * sizeOf(graph.values[0]!) }, value),
      labels: Int32Array.from({ length: rows }, label),
    },
  }
}

/** Every tensor has its own random values, also those that start as zeros or ones: √(2 / inputs) in size. */
function randomWeights(graph: Graph, seed: number): Float32Array {
  const random = randomOf(seed, 'weights')
  const layout = layoutOf(graph.tensors)
  const weights = new Float32Array(layoutLength(layout))
  for (const { tensor, offset, length } of tensorsIn(layout)) {
    const isKernel = tensor.shape.length > 1
    const inputs = isKernel ? length / tensor.shape.at(-1)! : 16
    const centre = tensor.name.endsWith('/gamma') ? 1 : 0
    for (let i = 0; i < length; i++) weights[offset + i] = centre + Math.sqrt(2 / inputs) * random.normal()
  }
  return weights
}

export const plainDescent = (learningRate: number, momentum = 0) => ({ sgd: { learningRate, momentum } })

export function trainingOf(options: object = {}): Training {
  const length = 'epochs' in options ? {} : { steps: 1 }
  return trainingSchema.parse({ ...length, optimizer: plainDescent(0.1), ...options })
}

/** A training on our own engine. */
export function begun(
  { model, graph, ends, weights, batch }: Problem,
  training: Training,
  { rows = batch.rows, seed = 1, correction }: { rows?: number; seed?: number; correction?: Float32Array } = {},
): TrainingSession {
  const network = wasmNetwork(trainingModule(), graph, { model, ends })
  return network.begin({ weights, training, rows, dropout: dropoutOf(seed), correction })
}

export const dropoutOf = (seed: number) => randomOf(seed, 'dropout')

/** As large as plans allow, so that the step is not lost in the rounding of the weights. */
const RATE = 100

export type Stepped = { readonly loss: number; readonly gradient: Float64Array }

/**
 * The gradient that the engine steps along, out of one plain step. With a momentum the step is the same, but the engine has to make
 * the gradient before it.
 */
export function stepped(
  problem: Problem,
  { momentum = 0, loss }: { momentum?: number; loss?: Training['loss'] } = {},
): Stepped {
  const session = begun(problem, trainingOf({ optimizer: plainDescent(RATE, momentum), loss }))
  try {
    const sum = session.step(problem.batch)
    return {
      loss: sum,
      gradient: Float64Array.from(session.weights, (after, i) => (problem.weights[i]! - after) / RATE),
    }
  } finally {
    session.end()
  }
}

/** The reference's rows, with the dropout of `begun`. */
export function derivedOf(problem: Problem, loss?: Training['loss'], seed = 1) {
  return derivedRows({ ...problem, loss, dropout: dropoutOf(seed) }, problem.weights, problem.batch)
}
