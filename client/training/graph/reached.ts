import { ParleyError } from '../../../core/errors/index.ts'
import type { DataEnds, Inputs } from '../../../core/plan/data.ts'
import type { Model } from '../../../core/plan/model.ts'
import type { Graph } from './graph.ts'
import { graphOf } from './graph-of.ts'

/** The plan's model as a graph; fails with `engine.model-unsupported`, which names the layer, where no graph can say it. */
export function reachedGraph(model: Model, data: Inputs | DataEnds): Graph {
  const graph = graphOf(model, data)
  if (!('outOfReach' in graph)) return graph
  throw new ParleyError('engine.model-unsupported', `the engine wasm does not reach the model: ${graph.outOfReach}`)
}
