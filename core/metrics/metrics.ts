import { type MetricName, metricNames, metricTable } from './registry.ts'

export { type MetricName, type NumericMetricName, numericMetricNames } from './registry.ts'
export { metricNames, metricTable }

/** The metrics that summaries show; the others have room where they are asked for. */
export const headlineMetrics = ['accuracy', 'precision', 'recall', 'f1', 'auc', 'loss'] as const
export type HeadlineMetric = (typeof headlineMetrics)[number]

/** The same of numeric labels. */
export const numericHeadline = ['mae', 'rmse', 'r2', 'bias'] as const satisfies readonly MetricName[]

/** The headline metrics of records that may be of either kind of label. */
export function headlineOf(records: readonly (Metrics | undefined)[]): readonly MetricName[] {
  return areNumeric(records) ? numericHeadline : headlineMetrics
}

/** The two that are shown where there is room for no more. */
export function leadingOf(records: readonly (Metrics | undefined)[]): readonly [first: MetricName, second: MetricName] {
  return areNumeric(records) ? ['mae', 'rmse'] : ['accuracy', 'loss']
}

function areNumeric(records: readonly (Metrics | undefined)[]): boolean {
  return records.some((metrics) => metrics?.mae !== undefined)
}

/**
 * What is computed from counts. `null` where a figure is not defined: no positive rows, no rows of one class, or a
 * multi-class task without a binary AUC. Precision, recall, F1 and specificity of a multi-class task are macro averages.
 * Only the headline metrics are in every record: those from before there were others do not have them. `mae` and the others of
 * numeric labels are there where the label is one, and the headline metrics are null then.
 */
export type Metrics = { readonly rows: number } & { readonly [Name in HeadlineMetric]: number | null } & {
  readonly [Name in Exclude<MetricName, HeadlineMetric>]?: number | null
}

export function lowerIsBetter(metric: MetricName): boolean {
  return metricTable[metric].better === 'lower'
}
