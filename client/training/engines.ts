import { ParleyError } from '../../core/errors/index.ts'
import { trainingModule } from '../../kernels/training/index.ts'
import type { EngineName } from './engine-names.ts'
import { graphOf } from './graph/graph-of.ts'
import type { Network, NetworkOptions } from './network.ts'
import { tfjsNetwork } from './tfjs/network.ts'
import { wasmNetwork } from './wasm/network.ts'

/**
 * A plan's model on the engine of a name, or without one on our own where it reaches the model, else on TF.js. Fails with
 * `engine.unavailable`, `engine.model-unsupported` or `plan.invalid`.
 */
export async function chooseNetwork(options: NetworkOptions, name?: EngineName): Promise<Network> {
  if (name !== undefined && name !== 'wasm') return await tfjsNetwork(options, name)
  const graph = graphOf(options.model, options.ends)
  if (!('outOfReach' in graph)) return wasmNetwork(trainingModule(), graph, options)
  if (name === undefined) return await tfjsNetwork(options)
  throw new ParleyError('engine.model-unsupported', `the engine wasm does not reach the model: ${graph.outOfReach}`)
}
