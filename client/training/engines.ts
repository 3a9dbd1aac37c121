import { ParleyError } from '../../core/errors/index.ts'
import type { Training } from '../../core/plan/training.ts'
import { trainingModule } from '../../kernels/training/index.ts'
import { type EngineName, engineNames, type TfjsName } from './engine-names.ts'
import { graphOf } from './graph/graph-of.ts'
import type { Network, NetworkOptions } from './network.ts'
import { tfjsNetwork } from './tfjs/network.ts'
import { wasmNetwork } from './wasm/network.ts'

/** Who has a say in what trains; all have to agree. */
export type EngineWishes = {
  /** `training.engine` of the plan. */
  readonly plan?: Training['engine']
  /** The engine that this machine is set to. */
  readonly own?: EngineName | undefined
  /** The engines that the site's policy allows. */
  readonly allowed?: readonly EngineName[] | undefined
}

/**
 * A plan's model on our own kernels where they reach it, else on the fastest of TF.js that works here, within what all wish. The
 * slow `tfjs-cpu` has to be asked for. Fails with `engine.unavailable`, `engine.model-unsupported` or `plan.invalid`.
 */
export async function chooseNetwork(options: NetworkOptions, wishes: EngineWishes = {}): Promise<Network> {
  const candidates = engineNames.filter((name) => isWished(name, wishes))
  if (candidates.length === 0) throw new ParleyError('engine.unavailable', `no engine is left: ${sayingsOf(wishes)}`)
  const tfjs = candidates.filter((name) => name !== 'wasm')
  if (!candidates.includes('wasm')) return await onTfjs(options, tfjs, sayingsOf(wishes))
  const graph = graphOf(options.model, options.ends)
  if (!('outOfReach' in graph)) {
    const why = candidates.length === 1 ? sayingsOf(wishes) : 'it reaches the model'
    return wasmNetwork(trainingModule(), graph, { ...options, why })
  }
  const why = `wasm does not reach the model: ${graph.outOfReach}`
  if (tfjs.length > 0) return await onTfjs(options, tfjs, why)
  throw new ParleyError('engine.model-unsupported', `${why}, and ${sayingsOf(wishes)}`)
}

function isWished(name: EngineName, { plan = 'auto', own, allowed }: EngineWishes): boolean {
  const isPlanned = plan === 'auto' || plan === name || (plan === 'tfjs' && name !== 'wasm')
  const isSlow = name === 'tfjs-cpu' && plan !== name && own !== name
  return isPlanned && !isSlow && (own === undefined || own === name) && allowed?.includes(name) !== false
}

function sayingsOf({ plan = 'auto', own, allowed }: EngineWishes): string {
  const sayings = [
    ...(plan === 'auto' ? [] : [`the plan asks for ${plan}`]),
    ...(own === undefined ? [] : [`this machine is set to ${own}`]),
    ...(allowed === undefined ? [] : [`the site’s policy allows ${allowed.join(', ')}`]),
  ]
  return sayings.join(', ')
}

async function onTfjs(options: NetworkOptions, names: readonly TfjsName[], why: string): Promise<Network> {
  const [only] = names
  return await tfjsNetwork({ ...options, why }, names.length === 1 ? only : undefined)
}
