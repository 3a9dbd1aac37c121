import { headlineOf } from '../core/metrics/metrics.ts'
import type { MetricName } from '../core/metrics/registry.ts'
import type { RoundSummary } from '../core/run/view.ts'

/** Metrics that share an axis. */
const together: readonly (readonly MetricName[])[] = [
  ['accuracy', 'precision', 'recall', 'f1', 'auc'],
  ['loss'],
  ['mae', 'rmse'],
  ['r2'],
  ['bias'],
]

export type Curve = { readonly metric: MetricName; readonly values: readonly (number | null)[] }
export type CurveSet = { readonly rounds: readonly number[]; readonly curves: readonly Curve[] }

/** The learning curves of a run, one set for each axis; a metric that is nowhere defined has none. */
export function curveSets(history: readonly RoundSummary[]): readonly CurveSet[] {
  const evaluated = history.filter(({ pooled }) => pooled !== undefined)
  const shown = headlineOf(evaluated.map(({ pooled }) => pooled))
  const rounds = evaluated.map(({ round }) => round)
  return together.flatMap((metrics) => {
    const curves = metrics
      .filter((metric) => shown.includes(metric))
      .map((metric) => ({ metric, values: evaluated.map(({ pooled }) => pooled?.[metric] ?? null) }))
      .filter(({ values }) => values.some((value) => value !== null))
    return curves.length === 0 ? [] : [{ rounds, curves }]
  })
}
