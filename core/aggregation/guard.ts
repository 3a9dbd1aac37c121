import { ParleyError } from '../errors/index.ts'
import type { Rule, Stage } from './rule.ts'

/**
 * The rule, which now refuses to decide outside its breakdown point, whoever calls it. A plan is checked before it starts,
 * but clients drop out, and a rule that quietly gave the mean then would protect nobody. Throws `round.aggregation-failed`.
 */
export function guardRule<Options>(rule: Rule<Options>): Rule<Options> {
  return {
    ...rule,
    decide(input, options) {
      check(input.n, rule.attackers(options) ?? 0, rule.breakdown(input.n, options), rule.condition)
      return rule.decide(input, options)
    },
  }
}

/** The same for a stage. */
export function guardStage<Options>(stage: Stage<Options>): Stage<Options> {
  return {
    ...stage,
    apply(input, options) {
      check(input.n, options.f, stage.breakdown(input.n, options), stage.condition)
      return stage.apply(input, options)
    },
  }
}

function check(n: number, f: number, most: number, condition: string): void {
  if (f <= most) return
  throw new ParleyError('round.aggregation-failed', `${n} updates with ${f} attackers: the rule needs ${condition}`, {
    details: { n, f, most },
  })
}

/** An input that the rule asks for; throws `round.aggregation-failed` where the caller did not give it. */
export function given<Value>(value: Value | undefined, name: string): Value {
  if (value === undefined) throw new ParleyError('round.aggregation-failed', `the rule was given no ${name}`)
  return value
}
