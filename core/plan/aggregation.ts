import { z } from 'zod'
import { rules, stages } from '../aggregation/registry.ts'
import type { RuleTable } from '../aggregation/rule.ts'
import { serverOptimizers } from '../aggregation/server/registry.ts'
import { namedOf, namedValue } from './named.ts'

/** `average` is what `fedavg` was called before it had company; plans of runs that were started then say it still. */
function withFedAvg(value: unknown): unknown {
  const named = namedValue(value)
  if (typeof named !== 'object' || named === null || !('average' in named) || 'fedavg' in named) return named
  const { average, ...rest } = named
  return { ...rest, fedavg: average }
}

export const aggregationSchema = z.strictObject({
  /** What is done to the updates before the rule sees them, in this order. */
  before: z.array(namedOf(stages)).max(8).default([]),
  rule: namedOf(rules).prefault({ mean: {} }),
  screens: z
    .strictObject({
      /** Largest Euclidean norm of an update. */
      maxNorm: z.number().positive().max(1e15).default(1000),
      /** Largest sample weight; an update that declares more is refused, not capped. */
      maxSampleWeight: z.number().int().min(1).max(1_000_000_000).default(1_000_000),
    })
    .prefault({}),
  /** How the aggregate becomes new weights. */
  server: z.preprocess(withFedAvg, namedOf(serverOptimizers)).prefault({ fedavg: {} }),
})

/** The same with other rules than the registry's; `mean` must be one of them. */
export function aggregationSchemaOf(known: RuleTable): typeof aggregationSchema {
  const schema = aggregationSchema.extend({ rule: namedOf(known).prefault({ mean: {} }) })
  // What it makes has the same form: a name with its options.
  return schema as unknown as typeof aggregationSchema
}

export type Aggregation = z.infer<typeof aggregationSchema>
