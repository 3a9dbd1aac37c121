import type { Aggregation } from '../../core/plan/aggregation.ts'
import { mean } from './mean.ts'
import type { Rule } from './rule.ts'

/** The registry of rules: the plan's name of each, and how it is made from its options. */
const makers: { readonly [Name in keyof Aggregation['rule']]: (options: Aggregation['rule'][Name]) => Rule } = {
  mean,
}

export function ruleOf(plan: Aggregation): Rule {
  return makers.mean(plan.rule.mean)
}
