import type { EngineName } from './engine-names.ts'
import type { Network, NetworkOptions } from './network.ts'
import { tfjsNetwork } from './tfjs/network.ts'

/** A plan's model on the engine of a name, or by default on the fastest that works here. */
export async function chooseNetwork(options: NetworkOptions, name?: EngineName): Promise<Network> {
  return await tfjsNetwork(options, name)
}
