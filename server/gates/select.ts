import { lowerIsBetter, type MetricName } from '../../core/metrics/metrics.ts'
import type { ModelRef } from '../../core/run/round-configuration.ts'
import type { Pooling } from './compare.ts'
import { type EvaluatedCandidate, pooledValue } from './decide.ts'

/**
 * Which round's model goes before the gates: the last one made, or the best by one pooled metric (the later of equals;
 * the last one where no round was evaluated). Undefined when no round made a model.
 */
export function selectCandidate<Round extends EvaluatedCandidate & { readonly model?: ModelRef | undefined }>(
  history: readonly Round[],
  select: 'last' | { readonly best: MetricName },
  pooling?: Pooling,
): (Round & { readonly model: ModelRef }) | undefined {
  const made = history.flatMap((round) => (round.model === undefined ? [] : [{ ...round, model: round.model }]))
  if (select === 'last') return made.at(-1)
  const scored = made.flatMap((round) => {
    const value = pooledValue(round, select.best, pooling)
    return value === null ? [] : [{ round, score: lowerIsBetter(select.best) ? -value : value }]
  })
  const best = scored.reduce<(typeof scored)[number] | undefined>(
    (leader, next) => (leader === undefined || next.score >= leader.score ? next : leader),
    undefined,
  )
  return best?.round ?? made.at(-1)
}
