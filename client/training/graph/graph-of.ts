import { type DataEnds, dataEnds, type Inputs } from '../../../core/plan/data.ts'
import type { Model } from '../../../core/plan/model.ts'
import type { Graph, OutOfReach } from './graph.ts'
import { BeyondReach } from './reach.ts'
import { shortFormGraph } from './short-form.ts'
import { topologyGraph } from './topology.ts'

/**
 * The plan's model as a graph, or what about it no graph can say. `data` is the plan's data section, or what it says of the data.
 * Fails with `plan.invalid` where a short form does not fit the data, and with `engine.model-unsupported`, which names layer and
 * shapes, for a topology that no engine could train.
 */
export function graphOf(model: Model, data: Inputs | DataEnds): Graph | OutOfReach {
  if (!('layers' in model)) return shortFormGraph(model, data)
  try {
    return topologyGraph(model.layers, 'shape' in data ? data : dataEnds(data))
  } catch (failure) {
    if (failure instanceof BeyondReach) return { outOfReach: failure.message }
    throw failure
  }
}
