import { falsePositiveRate, positiveRate } from './measures/rates.ts'
import { recall } from './measures/recall.ts'
import { recallAtPrecision } from './measures/recall-at-precision.ts'
import type { Metric } from './metric.ts'
import { type MetricName, metricNames, metricTable } from './registry.ts'

/** What a gate may bound: the metrics of every evaluation, and those that need to be told more. */
export const gateMetricNames = [...metricNames, 'recallAtPrecision'] as [MetricName, ...GateMetricName[]]
export type GateMetricName = MetricName | 'recallAtPrecision'

/** A metric as a gate names it. */
export type NamedMetric = { readonly metric: GateMetricName; readonly atPrecision?: number | undefined }

export function metricOf({ metric, atPrecision }: NamedMetric): Metric {
  return metric === 'recallAtPrecision' ? recallAtPrecision(atPrecision ?? 1) : metricTable[metric]
}

export const fairnessNames = ['demographic-parity', 'equal-opportunity', 'equalised-odds', 'worst-gap'] as const
export type FairnessName = (typeof fairnessNames)[number]

/**
 * What groups are compared by; the gap of a gate is the largest of any of these. Demographic parity: the shares of rows that are
 * called positive (Dwork et al., ITCS 2012). Equal opportunity: the recalls; equalised odds: recalls and false positive rates
 * (Hardt, Price and Srebro, NeurIPS 2016).
 */
export const comparedBy: Readonly<Record<Exclude<FairnessName, 'worst-gap'>, readonly Metric[]>> = {
  'demographic-parity': [positiveRate],
  'equal-opportunity': [recall],
  'equalised-odds': [recall, falsePositiveRate],
}

/**
 * What the value of a verdict is: of a metric, of how far groups lie apart, the share of rows that a trigger steers or that are
 * given another class than before, the bytes of the model file, or the milliseconds to an answer.
 */
export const gateMeasures = [
  ...gateMetricNames,
  'demographic-parity',
  'equal-opportunity',
  'equalised-odds',
  'trigger-rate',
  'change-rate',
  'bytes',
  'latency',
] as [GateMeasure, ...GateMeasure[]]
export type GateMeasure =
  | GateMetricName
  | Exclude<FairnessName, 'worst-gap'>
  | 'trigger-rate'
  | 'change-rate'
  | 'bytes'
  | 'latency'
