import type { Aggregation } from '../../plan/aggregation.ts'
import type { ServerOptimizer } from './optimizer.ts'
import { type ServerOptimizerName, serverOptimizers } from './registry.ts'

/** The server optimizer of a plan with its options. */
export function serverOptimizerOf(named: Aggregation['server']): {
  readonly optimizer: ServerOptimizer<unknown>
  readonly options: unknown
} {
  const [name, options] = Object.entries(named).find(([, options]) => options !== undefined) as [
    ServerOptimizerName,
    unknown,
  ]
  // The plan's schema has matched the options to the name.
  return { optimizer: serverOptimizers[name] as ServerOptimizer<unknown>, options }
}
