/** A model and its losses in float64, one number after the other: slow, plain, and written without a look at any engine. */
import type { Batch } from '../../../client/training/batches.ts'
import type { Graph } from '../../../client/training/graph/graph.ts'
import { sizeOf } from '../../../client/training/graph/shapes.ts'
import type { NetworkEnds } from '../../../client/training/network.ts'
import type { Training } from '../../../core/plan/training.ts'
import type { Random } from '../../../core/random/random.ts'
import { layoutOf, tensorsIn } from '../../../core/tensors/layout.ts'
import { logitsOf } from './forward.ts'
import { lossOf } from './losses.ts'
import { Tape, type Term } from './tape.ts'

export type Problem = {
  readonly graph: Graph
  readonly ends: NetworkEnds
  readonly loss?: Training['loss']
  /** For dropout; absent: nothing is dropped. */
  readonly dropout?: Random
}

/** One example's loss, and its derivatives with respect to the flat vector. */
export type Derived = {
  readonly loss: number
  readonly logits: readonly number[]
  readonly gradient: Float64Array
  /** How near the example came to a kink of the model, where float32 may take the other side. */
  readonly margin: number
}

/** Each row of a batch by itself. */
export function derivedRows(problem: Problem, weights: ArrayLike<number>, batch: Batch): Derived[] {
  const { graph, dropout } = problem
  const masks = dropout === undefined ? [] : masksOf(graph, batch.rows, dropout)
  const width = batch.features.length / batch.rows
  return Array.from({ length: batch.rows }, (_, row) =>
    derived(problem, weights, {
      features: Array.from(batch.features.subarray(row * width, (row + 1) * width)),
      label: batch.labels[row]!,
      masks: new Map(masks.map(({ node, factors }) => [node, factors[row]!])),
    }),
  )
}

/** What a graph gives for one example, without dropout. */
export function evaluated(
  graph: Graph,
  weights: (name: string) => ArrayLike<number>,
  features: ArrayLike<number>,
): number[] {
  const tape = new Tape()
  const numbers = (values: ArrayLike<number>) => Array.from(values, (value) => tape.number(value))
  const byName = new Map(graph.tensors.map(({ name }) => [name, numbers(weights(name))]))
  const example = { features: numbers(features), weights: (name: string) => byName.get(name)!, masks: new Map() }
  return logitsOf(tape, graph, example).map((logit) => tape.value(logit))
}

type Row = {
  readonly features: readonly number[]
  readonly label: number
  readonly masks: ReadonlyMap<number, readonly number[]>
}

function derived(problem: Problem, weights: ArrayLike<number>, { features, label, masks }: Row): Derived {
  const { graph, ends, loss } = problem
  const tape = new Tape()
  const own = Array.from(weights, (weight) => tape.number(weight))
  const byName = new Map<string, readonly Term[]>()
  for (const { tensor, offset, length } of tensorsIn(layoutOf(graph.tensors))) {
    byName.set(tensor.name, own.slice(offset, offset + length))
  }
  const example = {
    features: features.map((value) => tape.number(value)),
    weights: (name: string) => byName.get(name)!,
    masks,
  }
  const logits = logitsOf(tape, graph, example)
  const result = lossOf(tape, logits, label, ends, loss)
  return {
    loss: tape.value(result),
    logits: logits.map((logit) => tape.value(logit)),
    gradient: tape.derivatives(result).slice(0, own.length),
    margin: tape.margin,
  }
}

/** The masks of a batch as every engine draws them: node by node, row by row, one number for each value. */
function masksOf(graph: Graph, rows: number, random: Random): { node: number; factors: number[][] }[] {
  return graph.nodes.flatMap(({ op, output }, node) => {
    if (op.kind !== 'dropout' || op.rate === 0) return []
    const size = sizeOf(graph.values[output]!)
    const factor = () => (random.uint32() < op.rate * 2 ** 32 ? 0 : 1 / (1 - op.rate))
    return [{ node, factors: Array.from({ length: rows }, () => Array.from({ length: size }, factor)) }]
  })
}

/** Σᵢ factors[i]·gᵢ. */
export function combined(rows: readonly Derived[], factors: (row: Derived) => number): Float64Array {
  const sum = new Float64Array(rows[0]!.gradient.length)
  for (const row of rows) {
    const factor = factors(row)
    row.gradient.forEach((value, i) => {
      sum[i]! += factor * value
    })
  }
  return sum
}

export const meanGradient = (rows: readonly Derived[]): Float64Array => combined(rows, () => 1 / rows.length)
export const totalLoss = (rows: readonly Derived[]): number => rows.reduce((sum, { loss }) => sum + loss, 0)

/** ‖actual − expected‖ / ‖expected‖. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  return distance(actual, expected) / distance(expected)
}

/** Below this size of a gradient, rounding may leave nothing of it: where a softmax has made up its mind, say. */
const SMALL = 1e-2

/** The same, but of a gradient that is almost nothing in shares of one that is something. */
export function gradientError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  return distance(actual, expected) / (distance(expected) + SMALL)
}

function distance(one: ArrayLike<number>, other?: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < one.length; i++) sum += (one[i]! - (other?.[i] ?? 0)) ** 2
  return Math.sqrt(sum)
}
