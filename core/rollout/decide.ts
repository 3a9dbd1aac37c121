import { durationMs } from '../plan/duration.ts'
import type { RolloutPlan } from '../plan/rollout.ts'
import { type ConsumerTotals, compareMetric, type MetricComparison } from './compare.ts'
import { cappedTrials, largestShare } from './influence.ts'
import { sum } from './outcomes.ts'
import { inWords } from './words.ts'

export type RolloutSide = {
  readonly consumers: readonly ConsumerTotals[]
  /** Requests of each consumer that were reported since the present step began, in no order. */
  readonly requestsInStep: readonly number[]
}

export type RolloutEvidence = {
  readonly plan: RolloutPlan
  /** Of the consumers, in basis points: the present step. */
  readonly share: number
  /** Since the present step began. */
  readonly elapsedMs: number
  readonly champion: RolloutSide
  readonly challenger: RolloutSide
}

export type RolloutDecision = {
  readonly decision: 'promote' | 'keep' | 'rollback' | 'step-up'
  /** Of the next step, where the decision is to go there. */
  readonly share?: number
  readonly reasons: readonly string[]
  readonly metrics: readonly MetricComparison[]
  /** Until the present step has lasted long enough, where that is still to come. */
  readonly waitMs?: number
}

/** What all consumers are, in basis points. */
const ALL = 10_000

/**
 * What the plan says is to be done with what was counted so far. A function of the counts alone: not of how they were batched,
 * nor of who came first.
 *
 * - `rollback`: some metric is worse by more than its margin. This needs no minimum time.
 * - `step-up`: the step's minimums are met, enough consumers have counted every metric, and no estimate is beyond its margin.
 * - `promote`, for the step that is all consumers: moreover every metric is shown to be within its margin.
 *
 * Each metric has α over their number as its error, so all intervals hold together, at all times, but for a share α of rollouts.
 * Hence a version that is within all margins is rolled back, and one that is beyond any is promoted, with a probability of at
 * most α together. Neither is ever decided by a single consumer: it must be shown without any one of them, too.
 */
export function decideRollout({ plan, share, elapsedMs, champion, challenger }: RolloutEvidence): RolloutDecision {
  const { metrics: asked, minConsumers, minOutcomes } = plan
  const sides = { champion: champion.consumers, challenger: challenger.consumers }
  const terms = { alpha: plan.alpha / asked.length, minConsumers }
  const metrics = asked.map((metric) => compareMetric(metric, sides, terms))
  const missingMs = durationMs(plan.minTime) - elapsedMs
  const wait = missingMs > 0 ? { waitMs: missingMs } : {}
  const all = (reasons: readonly string[]) => [...reasons, ...metrics.map(inWords)]
  const worse = metrics.filter(({ verdict }) => verdict === 'worse')
  if (worse.length > 0) return { decision: 'rollback', reasons: worse.map(inWords), metrics, ...wait }

  const missing: string[] = []
  if (missingMs > 0) missing.push(`this step lasts ${plan.minTime} at least`)
  for (const [name, { requestsInStep }] of [
    ['champion', champion],
    ['challenger', challenger],
  ] as const) {
    // Capped as everything is: nobody meets the minimum for the others.
    const counted = Math.floor(sum(cappedTrials(requestsInStep, largestShare(minConsumers))))
    if (counted < minOutcomes) {
      missing.push(`${counted} of ${minOutcomes} requests of the ${name} count in this step`)
    }
  }
  if (missing.length > 0) return { decision: 'keep', reasons: all(missing), metrics, ...wait }
  if (metrics.some(({ verdict }) => verdict === 'too-few')) return { decision: 'keep', reasons: all([]), metrics }

  const next = plan.steps.find((step) => step > share) ?? ALL
  if (next === ALL) {
    const shown = metrics.every(({ verdict }) => verdict === 'not-worse')
    return { decision: shown ? 'promote' : 'keep', reasons: all([]), metrics, ...(shown ? { share: next } : {}) }
  }
  const hopeful = metrics.every(({ harm, margin }) => harm !== null && harm.value <= margin)
  return { decision: hopeful ? 'step-up' : 'keep', reasons: all([]), metrics, ...(hopeful ? { share: next } : {}) }
}
