import type { Graph, Op } from '../../../client/training/graph/graph.ts'
import { sizeOf } from '../../../client/training/graph/shapes.ts'
import { activated, inverse } from './activations.ts'
import type { Tape, Term } from './tape.ts'
import { convolved, convolvedByChannel, pooled, pooledGlobally } from './windows.ts'

type Values = readonly Term[]

/** What is known of one example besides its features. */
export type Example = {
  readonly features: Values
  readonly weights: (name: string) => Values
  /** Of each dropout node, by its place among the nodes: a factor for each value. None: nothing is dropped. */
  readonly masks: ReadonlyMap<number, readonly number[]>
}

/** The logits of one example, each operation as its definition in the graph says. */
export function logitsOf(tape: Tape, graph: Graph, { features, weights, masks }: Example): Values {
  const values: Values[] = [features]
  graph.nodes.forEach(({ name, op, inputs, output }, node) => {
    const from = inputs.map((input) => values[input]!)
    const made = outputOf(tape, op, from, weights, masks.get(node))
    if (made.length !== sizeOf(graph.values[output]!)) throw new Error(`${name} gives ${made.length} values`)
    values[output] = made
  })
  return values[graph.output]!
}

function outputOf(
  tape: Tape,
  op: Op,
  inputs: readonly Values[],
  weights: (name: string) => Values,
  mask: readonly number[] | undefined,
): Values {
  const [x = []] = inputs
  switch (op.kind) {
    case 'dense':
      return activated(tape, op.activation, product(tape, op, x, weights), op.units)
    case 'conv2d':
      return activated(tape, op.activation, convolved(tape, op, x, weights), op.window.output[2])
    case 'depthwise-conv2d':
      return activated(tape, op.activation, convolvedByChannel(tape, op, x, weights), op.window.output[2])
    case 'pool':
      return pooled(tape, op, x)
    case 'global-pool':
      return pooledGlobally(tape, op, x)
    case 'reshape':
      return x
    case 'embedding':
      return x.flatMap((one) => {
        const begin = tape.value(one) * op.units
        return weights(op.table).slice(begin, begin + op.units)
      })
    case 'layer-norm':
      return chunked(x, op.units).flatMap((row) =>
        standardized(tape, row, op.epsilon).map((one, unit) => scaled(tape, one, unit, op, weights)),
      )
    case 'group-norm':
      return normalizedByGroup(tape, op, x, weights)
    case 'activation':
      return activated(tape, op.activation, x, op.units)
    case 'dropout':
      return mask === undefined ? x : x.map((one, i) => tape.linear(one, mask[i]!))
    case 'add':
      return x.map((_, i) => tape.sum(inputs.map((input) => input[i]!)))
  }
}

function product(tape: Tape, op: Op & { kind: 'dense' }, x: Values, weights: (name: string) => Values): Values {
  const kernel = weights(op.kernel)
  return chunked(x, op.inputs).flatMap((row) =>
    Array.from({ length: op.units }, (_, unit) => {
      const terms = row.map((one, i) => tape.multiply(one, kernel[i * op.units + unit]!))
      return tape.sum(op.bias === undefined ? terms : [...terms, weights(op.bias)[unit]!])
    }),
  )
}

function normalizedByGroup(
  tape: Tape,
  op: Op & { kind: 'group-norm' },
  x: Values,
  weights: (name: string) => Values,
): Values {
  const width = op.channels / op.groups
  const output: Term[] = []
  for (let group = 0; group < op.groups; group++) {
    const places = x.map((_, i) => i).filter((i) => Math.floor((i % op.channels) / width) === group)
    const own = standardized(
      tape,
      places.map((i) => x[i]!),
      op.epsilon,
    )
    places.forEach((place, i) => {
      output[place] = scaled(tape, own[i]!, place % op.channels, op, weights)
    })
  }
  return output
}

/** (x − mean) / √(variance + epsilon), the variance being that of the values themselves. */
function standardized(tape: Tape, x: Values, epsilon: number): Values {
  const mean = tape.linear(tape.sum(x), 1 / x.length)
  const centred = x.map((one) => tape.add(one, tape.linear(mean, -1)))
  const variance = tape.linear(tape.sum(centred.map((one) => tape.multiply(one, one))), 1 / x.length, epsilon)
  const root = tape.apply(variance, Math.sqrt, (v) => 1 / (2 * Math.sqrt(v)))
  const scale = inverse(tape, root)
  return centred.map((one) => tape.multiply(one, scale))
}

function scaled(
  tape: Tape,
  x: Term,
  unit: number,
  { gamma, beta }: { readonly gamma: string | undefined; readonly beta: string | undefined },
  weights: (name: string) => Values,
): Term {
  const y = gamma === undefined ? x : tape.multiply(x, weights(gamma)[unit]!)
  return beta === undefined ? y : tape.add(y, weights(beta)[unit]!)
}

function chunked(x: Values, length: number): Values[] {
  return Array.from({ length: x.length / length }, (_, i) => x.slice(i * length, (i + 1) * length))
}
