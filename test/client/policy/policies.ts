import type { Asked, Facts } from '../../../client/policy/facts.ts'
import { checkPolicy } from '../../../client/policy/parse.ts'
import type { Policy } from '../../../client/policy/schema.ts'
import { nodeCrypto } from '../../../core/crypto/node.ts'
import { toHex, utf8 } from '../../../core/encoding/bytes.ts'
import { canonicalPlan } from '../../../core/plan/parse.ts'
import { cohortSize, type Plan } from '../../../core/plan/plan.ts'

export const consortium = 'ab'.repeat(32)

export const digestOf = (plan: Plan) => toHex(nodeCrypto.sha256(utf8(canonicalPlan(plan))))

/** What a coordinator asks with a plan: to train in its first round. */
export function askedOf(plan: Plan, task: Partial<Asked['task']> = {}, coordinator = consortium): Asked {
  const { rounds } = plan
  const whole = {
    kind: 'train',
    run: 'run',
    round: 1,
    rounds,
    parameters: 4,
    cohort: cohortSize(plan),
    ...task,
  } as const
  return { plan, digest: digestOf(plan), coordinator, task: whole }
}

export const noon = Date.parse('2026-12-02T12:00:00Z')

export function factsOf(facts: Partial<Facts> = {}): Facts {
  return { moment: 'begin', now: noon, today: { rounds: 0, bytes: 0 }, leaving: 32, ...facts }
}

/** Everything that the plan of `planText` says, and nothing else. */
export const tinyAllowed = {
  names: ['tiny'],
  models: ['logistic'],
  maxParameters: 4,
  modes: ['sealed'],
  counts: ['clear'],
  rules: ['mean'],
  maxRounds: 2,
  minCohort: 2,
}

export function policyOf(studies: object, rest: object = {}): Policy {
  return checkPolicy({
    policy: 1,
    coordinators: { consortium },
    data: { heart: { csv: 'heart.csv', rows: { train: 10, heldOut: 5 } } },
    studies,
    ...rest,
  })
}

export const studyOf = (rest: object = {}) => ({
  coordinators: ['consortium'],
  data: 'heart',
  allow: tinyAllowed,
  ...rest,
})
