import { metricsOf } from '../../core/metrics/compute.ts'
import type { HoldoutResult } from '../../core/run/holdout.ts'
import type { HoldoutSummary } from '../../core/run/view.ts'

/** What people see of an evaluation on the coordinator's rows. */
export function holdoutSummary(holdout: HoldoutResult): HoldoutSummary {
  if ('failure' in holdout) return { failure: holdout.failure }
  const { sha256, rows, looks, champion, models, perturbed, changed = 0, trigger } = holdout
  const [candidate, inUse] = models
  if (candidate === undefined) return { failure: 'no model was evaluated' }
  return {
    sha256,
    rows,
    looks,
    metrics: metricsOf(candidate.counts),
    ...(champion === undefined || inUse === undefined
      ? {}
      : { champion: { version: champion.version, metrics: metricsOf(inUse.counts), changed } }),
    perturbed: perturbed.map(({ noise, counts }) => ({ noise, metrics: metricsOf(counts) })),
    triggers: trigger?.steered ?? [],
  }
}
