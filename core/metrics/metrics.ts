import { type MetricName, metricNames, metricTable } from './registry.ts'

export { type MetricName, metricNames, metricTable }

/** The metrics that summaries show; the others have room where they are asked for. */
export const headlineMetrics = ['accuracy', 'precision', 'recall', 'f1', 'auc', 'loss'] as const
export type HeadlineMetric = (typeof headlineMetrics)[number]

/**
 * What is computed from counts. `null` where a figure is not defined: no positive rows, no rows of one class, or a
 * multi-class task without a binary AUC. Precision, recall, F1 and specificity of a multi-class task are macro averages.
 * Only the headline metrics are in every record: those from before there were others do not have them.
 */
export type Metrics = { readonly rows: number } & { readonly [Name in HeadlineMetric]: number | null } & {
  readonly [Name in Exclude<MetricName, HeadlineMetric>]?: number | null
}

export function lowerIsBetter(metric: MetricName): boolean {
  return metricTable[metric].better === 'lower'
}
