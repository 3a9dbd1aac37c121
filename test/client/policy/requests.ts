import type { PolicyRequest } from '../../../client/node/policy.ts'
import { canonicalPlan } from '../../../core/plan/parse.ts'
import type { RoundConfiguration } from '../../../core/run/round-configuration.ts'
import { coordinatorKey } from '../../support/federation.ts'
import { planOf } from '../../support/plans.ts'
import { digestOf } from './policies.ts'

export const plan = planOf()
export const digest = digestOf(plan)

/** What a client is asked: by default to train in the first round of a small plan. */
export function request(task: Partial<RoundConfiguration> = {}): PolicyRequest {
  const whole = {
    kind: 'train',
    run: 'run',
    round: 1,
    rounds: 2,
    parameters: 4,
    cohort: 2,
    plan: { digest, bytes: 1 },
    ...task,
  } as RoundConfiguration
  return { coordinator: coordinatorKey.publicKey, task: whole, plan, text: canonicalPlan(plan) }
}
