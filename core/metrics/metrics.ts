/**
 * What is computed from counts. `null` where a figure is not defined: no positive rows, no rows of one class, or a
 * multi-class task without a binary AUC. Precision, recall and F1 of a multi-class task are macro averages.
 */
export type Metrics = {
  readonly rows: number
  readonly loss: number | null
  readonly accuracy: number | null
  readonly precision: number | null
  readonly recall: number | null
  readonly f1: number | null
  readonly auc: number | null
}

export const metricNames = ['accuracy', 'precision', 'recall', 'f1', 'auc', 'loss'] as const
export type MetricName = (typeof metricNames)[number]
