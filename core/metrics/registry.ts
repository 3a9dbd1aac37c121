import { accuracy } from './measures/accuracy.ts'
import { auc } from './measures/auc.ts'
import { balancedAccuracy } from './measures/balanced-accuracy.ts'
import { bias } from './measures/bias.ts'
import { brier } from './measures/brier.ts'
import { calibrationError } from './measures/calibration-error.ts'
import { f1 } from './measures/f1.ts'
import { loss } from './measures/loss.ts'
import { mae } from './measures/mae.ts'
import { medianAbsoluteError } from './measures/median-absolute-error.ts'
import { mse } from './measures/mse.ts'
import { prAuc } from './measures/pr-auc.ts'
import { precision } from './measures/precision.ts'
import { r2 } from './measures/r2.ts'
import { recall } from './measures/recall.ts'
import { rmse } from './measures/rmse.ts'
import { specificity } from './measures/specificity.ts'
import type { Metric } from './metric.ts'

/** Every metric of labels that are classes, and computed of each of their evaluations. */
const classTable = {
  accuracy,
  precision,
  recall,
  f1,
  auc,
  loss,
  balancedAccuracy,
  specificity,
  prAuc,
  calibrationError,
  brier,
} as const satisfies Record<string, Metric>

/** The same of numeric labels. */
const numericTable = { mae, rmse, mse, r2, bias, medianAbsoluteError } as const satisfies Record<string, Metric>

export const metricTable = { ...classTable, ...numericTable } as const

export type MetricName = keyof typeof metricTable
export type NumericMetricName = keyof typeof numericTable
export const metricNames = Object.keys(metricTable) as [MetricName, ...MetricName[]]
export const classMetricNames = Object.keys(classTable) as (keyof typeof classTable)[]
export const numericMetricNames = Object.keys(numericTable) as NumericMetricName[]
