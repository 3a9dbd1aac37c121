import type { Graph, GraphNode, Shape } from '../graph/graph.ts'
import { isFused } from './layers/activations.ts'

/** The graph with a node and a value of its own for each activation whose slope needs what went into it. */
export function withOwnActivations({ nodes, values, output }: Graph): Pick<Graph, 'nodes' | 'values' | 'output'> {
  const shapes: Shape[] = [...values]
  const all = nodes.flatMap((node): GraphNode[] => {
    const { op } = node
    if (!('activation' in op) || op.kind === 'activation' || isFused(op.activation)) return [node]
    const shape = values[node.output] ?? []
    const before = shapes.push(shape) - 1
    const { activation } = op
    return [
      { ...node, op: { ...op, activation: 'linear' }, output: before },
      { ...node, op: { kind: 'activation', activation, units: shape.at(-1) ?? 1 }, inputs: [before] },
    ]
  })
  return { nodes: all, values: shapes, output }
}
