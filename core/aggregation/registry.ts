import { nnm } from './before/nnm.ts'
import { krum } from './rules/krum.ts'
import { mean } from './rules/mean.ts'
import { trimmedMean } from './rules/trimmed-mean.ts'

/** Every rule by its name in a plan. */
export const rules = {
  mean,
  'trimmed-mean': trimmedMean,
  krum,
} as const
export type RuleName = keyof typeof rules

/** Every stage before the rule by its name in a plan. */
export const stages = {
  nnm,
} as const
export type StageName = keyof typeof stages
