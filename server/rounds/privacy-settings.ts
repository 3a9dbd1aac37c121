import { ParleyError } from '../../core/errors/index.ts'
import type { Plan } from '../../core/plan/plan.ts'
import { firstClip, roundPrivacyOf } from '../../core/plan/round-privacy.ts'
import { emptyLedger, paymentsLeft, type Spend, type Spent, spent, timesRounds } from '../../core/privacy/index.ts'

/** What the machine needs to know of differential privacy. */
export type PrivacySettings = {
  /** Of one round. Each that was opened is paid for, whatever became of it. */
  readonly spend: Spend
  /** At which ε is told. */
  readonly delta: number
  readonly budget?: {
    readonly epsilon: number
    /** Rounds that it pays for. */
    readonly rounds: number
  }
}

/** Where the plan has no budget, and so no δ. */
const USUAL_DELTA = 1e-5

/** Throws `plan.infeasible` where the budget does not pay for a single round. */
export function privacySettingsOf(plan: Plan, parameters: number): PrivacySettings | undefined {
  const clip = firstClip(plan)
  const spend = clip === undefined ? undefined : roundPrivacyOf(plan, parameters, clip)?.spend
  if (spend === undefined) return undefined
  const { budget } = plan.privacy
  if (budget === undefined) return { spend, delta: USUAL_DELTA }
  const rounds = paymentsLeft(emptyLedger, spend, budget)
  const { epsilon, delta } = budget
  if (rounds < 1) {
    const one = spent([spend], delta).epsilon.toPrecision(3)
    throw new ParleyError(
      'plan.infeasible',
      `privacy.budget: one round costs ε = ${one} at δ = ${delta}, and ${epsilon} is all there is: raise the multiplier of the noise, or the budget`,
    )
  }
  return { spend, delta, budget: { epsilon, rounds } }
}

/** Whether the budget, where there is one, pays for a round of this number. */
export function affords(privacy: PrivacySettings | undefined, round: number): boolean {
  return privacy?.budget === undefined || round <= privacy.budget.rounds
}

// The same few questions come after every change of a run.
const known = new WeakMap<PrivacySettings, Map<number, Spent>>()

/** What so many rounds have spent together. */
export function spentAfter(privacy: PrivacySettings, rounds: number): Spent {
  const answers = known.get(privacy) ?? new Map<number, Spent>()
  known.set(privacy, answers)
  const answer = answers.get(rounds) ?? spent(rounds === 0 ? [] : [timesRounds(privacy.spend, rounds)], privacy.delta)
  answers.set(rounds, answer)
  return answer
}
