import type { StartingTensor } from '../starting-tensor.ts'
import type { Graph, GraphNode, Op, Shape, ValueId } from './graph.ts'

/** What a layer makes of its inputs; without an `op` it gives its only input as it is. */
export type Applied = {
  readonly op: Op | undefined
  readonly output: Shape
  readonly tensors: readonly StartingTensor[]
}

/** A graph while it is built, node by node, from value 0, the input, on. */
export class GraphBuilder {
  readonly #values: Shape[]
  readonly #nodes: GraphNode[] = []
  readonly #tensors: StartingTensor[] = []

  constructor(input: Shape) {
    this.#values = [input]
  }

  shapeOf(value: ValueId): Shape {
    return this.#values[value] as Shape
  }

  /** True where the value is the input, perhaps in another shape. */
  isInput(value: ValueId): boolean {
    if (value === 0) return true
    const node = this.#nodes.find(({ output }) => output === value)
    return node?.op.kind === 'reshape' && node.inputs.every((input) => this.isInput(input))
  }

  /** Adds what a layer does; gives the value that it makes. */
  add(name: string, { op, output, tensors }: Applied, ...inputs: readonly ValueId[]): ValueId {
    this.#tensors.push(...tensors)
    if (op === undefined) return inputs[0] as ValueId
    const value = this.#values.push(output) - 1
    this.#nodes.push({ name, op, inputs, output: value })
    return value
  }

  /** `order`: names of the tensors in the order of their declaration; by default that in which they came. */
  graph(output: ValueId, order?: readonly string[]): Graph {
    const place = new Map(order?.map((name, i) => [name, i]))
    const tensors = this.#tensors.toSorted((a, b) => (place.get(a.name) ?? 0) - (place.get(b.name) ?? 0))
    return { values: this.#values, nodes: this.#nodes, output, tensors }
  }
}
