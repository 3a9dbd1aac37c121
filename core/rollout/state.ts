import type { RolloutPlan } from '../plan/rollout.ts'
import type { RolloutDecision } from './decide.ts'

/** How a rollout stands, for operators. */
export type RolloutState = {
  readonly model: string
  readonly alias: string
  readonly sequence: number
  readonly rollout: string
  readonly champion: number
  readonly challenger: number
  /** Basis points of the consumers that get the challenger. */
  readonly share: number
  readonly startedAt: string
  readonly since: string
  /** How many reports were taken. */
  readonly reports: number
  /** What the plan of the challenger says; null where it says nothing: then a person decides. */
  readonly plan: RolloutPlan | null
  readonly decision: RolloutDecision | null
}
