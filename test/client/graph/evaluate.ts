import type { ActivationKind, Graph, GraphNode, Window } from '../../../client/training/graph/graph.ts'
import { sizeOf } from '../../../client/training/graph/shapes.ts'

type Values = Float64Array<ArrayBuffer>
type Weights = (name: string) => ArrayLike<number>

/** What a graph gives for one example, without dropout: each op written out as its meaning says, in float64. */
export function evaluated(graph: Graph, weights: Weights, input: ArrayLike<number>): Values {
  const values = new Map([[0, Float64Array.from(input)]])
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((value) => values.get(value)!)
    const out = applied(node, inputs, weights)
    if (out.length !== sizeOf(graph.values[node.output]!)) throw new Error(`${node.name} gives ${out.length} values`)
    values.set(node.output, out)
  }
  return values.get(graph.output)!
}

function applied({ op }: GraphNode, inputs: readonly Values[], weights: Weights): Values {
  const x = inputs[0]!
  const bias = (name: string | undefined, unit: number) => (name === undefined ? 0 : weights(name)[unit]!)
  switch (op.kind) {
    case 'dense': {
      const { inputs: n, units, positions } = op
      const out = filled(positions * units, (at) => {
        const [row, unit] = [Math.floor(at / units), at % units]
        return bias(op.bias, unit) + summed(n, (i) => x[row * n + i]! * weights(op.kernel)[i * units + unit]!)
      })
      return activated(op.activation, out, units)
    }
    case 'conv2d': {
      const [channels, filters] = [op.window.input[2], op.window.output[2]]
      const out = overWindows(
        op.window,
        (places, filter) =>
          summed(places.length, (p) =>
            summed(channels, (c) => {
              const { image, window } = places[p]!
              return x[image * channels + c]! * weights(op.kernel)[(window * channels + c) * filters + filter]!
            }),
          ) + bias(op.bias, filter),
      )
      return activated(op.activation, out, filters)
    }
    case 'depthwise-conv2d': {
      const [channels, filters] = [op.window.input[2], op.window.output[2]]
      const out = overWindows(op.window, (places, filter) => {
        const c = Math.floor(filter / op.multiplier)
        return (
          bias(op.bias, filter) +
          summed(
            places.length,
            (p) => x[places[p]!.image * channels + c]! * weights(op.kernel)[places[p]!.window * filters + filter]!,
          )
        )
      })
      return activated(op.activation, out, filters)
    }
    case 'pool':
      return overWindows(op.window, (places, c) => {
        const inside = places.map(({ image }) => x[image * op.window.input[2] + c]!)
        return op.of === 'max' ? Math.max(...inside) : summed(inside.length, (i) => inside[i]!) / inside.length
      })
    case 'global-pool':
      return filled(op.channels, (c) => {
        const all = Array.from({ length: op.positions }, (_, p) => x[p * op.channels + c]!)
        return op.of === 'max' ? Math.max(...all) : summed(all.length, (i) => all[i]!) / all.length
      })
    case 'embedding':
      return filled(
        op.positions * op.units,
        (at) => weights(op.table)[x[Math.floor(at / op.units)]! * op.units + (at % op.units)]!,
      )
    case 'layer-norm':
      return normalised(x, (at) => Math.floor(at / op.units), op.epsilon).map(
        (value, at) =>
          value * (op.gamma === undefined ? 1 : weights(op.gamma)[at % op.units]!) + bias(op.beta, at % op.units),
      )
    case 'group-norm':
      return normalised(x, (at) => Math.floor(((at % op.channels) * op.groups) / op.channels), op.epsilon).map(
        (value, at) =>
          value * (op.gamma === undefined ? 1 : weights(op.gamma)[at % op.channels]!) + bias(op.beta, at % op.channels),
      )
    case 'activation':
      return activated(op.activation, x, op.units)
    case 'add':
      return filled(x.length, (at) => summed(inputs.length, (i) => inputs[i]![at]!))
    case 'reshape':
    case 'dropout':
      return x
  }
}

type Place = { image: number; window: number }

/** `value` of each place and output channel, given the places of the window that lie inside of the image. */
function overWindows(
  { input, output, size, strides, padding }: Window,
  value: (inside: Place[], channel: number) => number,
): Values {
  return filled(output[0] * output[1] * output[2], (at) => {
    const place = Math.floor(at / output[2])
    const inside: Place[] = []
    for (let i = 0; i < size[0]; i++) {
      for (let j = 0; j < size[1]; j++) {
        const row = Math.floor(place / output[1]) * strides[0] + i - padding[0]
        const column = (place % output[1]) * strides[1] + j - padding[1]
        if (row < 0 || row >= input[0] || column < 0 || column >= input[1]) continue
        inside.push({ image: row * input[1] + column, window: i * size[1] + j })
      }
    }
    return value(inside, at % output[2])
  })
}

function normalised(x: Values, groupOf: (at: number) => number, epsilon: number): Values {
  const groups = placesBy(x.length, groupOf)
  const out = new Float64Array(x.length)
  for (const places of groups.values()) {
    const mean = summed(places.length, (i) => x[places[i]!]!) / places.length
    const variance = summed(places.length, (i) => (x[places[i]!]! - mean) ** 2) / places.length
    for (const at of places) out[at] = (x[at]! - mean) / Math.sqrt(variance + epsilon)
  }
  return out
}

function activated(kind: ActivationKind, x: Values, units: number): Values {
  if (kind !== 'softmax') return x.map(functions[kind])
  return x.map((_, at) => {
    const row = x.subarray(at - (at % units), at - (at % units) + units)
    const largest = Math.max(...row)
    return Math.exp(x[at]! - largest) / summed(units, (i) => Math.exp(row[i]! - largest))
  })
}

const functions: Record<Exclude<ActivationKind, 'softmax'>, (x: number) => number> = {
  linear: (x) => x,
  relu: (x) => Math.max(0, x),
  tanh: Math.tanh,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  elu: (x) => (x > 0 ? x : Math.expm1(x)),
  gelu: (x) => (x / 2) * (1 + erf(x / Math.SQRT2)),
}

/** Abramowitz and Stegun, 7.1.6: a series that converges everywhere. */
function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x)
  let [term, sum] = [x, x]
  for (let n = 1; n < 200; n++) {
    term *= (2 * x * x) / (2 * n + 1)
    sum += term
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum
}

function filled(length: number, value: (at: number) => number): Values {
  return Float64Array.from({ length }, (_, at) => value(at))
}

function summed(length: number, term: (i: number) => number): number {
  let sum = 0
  for (let i = 0; i < length; i++) sum += term(i)
  return sum
}

function placesBy(length: number, groupOf: (at: number) => number): Map<number, number[]> {
  const groups = new Map<number, number[]>()
  for (let at = 0; at < length; at++) groups.set(groupOf(at), [...(groups.get(groupOf(at)) ?? []), at])
  return groups
}
