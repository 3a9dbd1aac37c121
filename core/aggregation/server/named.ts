import type { Aggregation } from '../../plan/aggregation.ts'
import { nameAndOptions } from '../../plan/named.ts'
import type { ServerOptimizer } from './optimizer.ts'
import { type ServerOptimizerName, serverOptimizers } from './registry.ts'

/** The server optimizer of a plan with its options. */
export function serverOptimizerOf(named: Aggregation['server']): {
  readonly optimizer: ServerOptimizer<unknown>
  readonly options: unknown
} {
  const [name, options] = nameAndOptions<ServerOptimizerName>(named)
  // The plan's schema has matched the options to the name.
  return { optimizer: serverOptimizers[name] as ServerOptimizer<unknown>, options }
}
