import { accuracy } from './measures/accuracy.ts'
import { auc } from './measures/auc.ts'
import { balancedAccuracy } from './measures/balanced-accuracy.ts'
import { brier } from './measures/brier.ts'
import { calibrationError } from './measures/calibration-error.ts'
import { f1 } from './measures/f1.ts'
import { loss } from './measures/loss.ts'
import { prAuc } from './measures/pr-auc.ts'
import { precision } from './measures/precision.ts'
import { recall } from './measures/recall.ts'
import { specificity } from './measures/specificity.ts'
import type { Metric } from './metric.ts'

/** Every metric that is computed of each evaluation. */
export const metricTable = {
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

export type MetricName = keyof typeof metricTable
export const metricNames = Object.keys(metricTable) as [MetricName, ...MetricName[]]
