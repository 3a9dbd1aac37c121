import type { EvaluationCounts } from './counts.ts'
import { headlineMetrics, type Metrics } from './metrics.ts'
import { classMetricNames, type MetricName, metricTable, numericMetricNames } from './registry.ts'

export { areaUnderCurve } from './measures/auc.ts'

/** Headline metrics are in every record, and null where the label has no classes. */
const numericRecord = [...headlineMetrics, ...numericMetricNames]

/** The figures of (pooled) counts. */
export function metricsOf(counts: EvaluationCounts): Metrics {
  const names: readonly MetricName[] = counts.task === 'regression' ? numericRecord : classMetricNames
  const figures = names.map((name) => [name, metricTable[name].value(counts)] as const)
  return { rows: counts.rows, ...(Object.fromEntries(figures) as Omit<Metrics, 'rows'>) }
}
