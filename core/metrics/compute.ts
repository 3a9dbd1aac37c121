import type { EvaluationCounts } from './counts.ts'
import type { Metrics } from './metrics.ts'
import { metricNames, metricTable } from './registry.ts'

export { areaUnderCurve } from './measures/auc.ts'

/** The figures of (pooled) counts. */
export function metricsOf(counts: EvaluationCounts): Metrics {
  const figures = metricNames.map((name) => [name, metricTable[name].value(counts)] as const)
  return { rows: counts.rows, ...(Object.fromEntries(figures) as Omit<Metrics, 'rows'>) }
}
