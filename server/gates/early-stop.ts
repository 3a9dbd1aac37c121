import { lowerIsBetter } from '../../core/metrics/metrics.ts'
import type { EarlyStop } from '../../core/plan/gates.ts'
import type { Pooling } from './compare.ts'
import { type EvaluatedCandidate, pooledValue } from './decide.ts'

/**
 * Whether a run has stopped getting better: none of its last `rounds` evaluated rounds was better, by more than `minDelta`,
 * than the best one before them.
 */
export function hasStalled(
  history: readonly EvaluatedCandidate[],
  stop: EarlyStop | undefined,
  pooling?: Pooling,
): boolean {
  if (stop === undefined) return false
  const sign = lowerIsBetter(stop.metric) ? -1 : 1
  const values = history.flatMap((round) => {
    const value = pooledValue(round, stop.metric, pooling)
    return value === null ? [] : [sign * value]
  })
  if (values.length <= stop.rounds) return false
  const before = Math.max(...values.slice(0, -stop.rounds))
  return Math.max(...values.slice(-stop.rounds)) <= before + stop.minDelta
}
