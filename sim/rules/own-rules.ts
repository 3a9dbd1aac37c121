import { z } from 'zod'
import { guardRule } from '../../core/aggregation/guard.ts'
import { rules, stages } from '../../core/aggregation/registry.ts'
import type { AnyRule, Combination, Reduction, Rule, RuleInput, RuleTable } from '../../core/aggregation/rule.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { checkedVerdict } from './verdict.ts'

/** A rule as `defineRule` takes it, or only how it decides: then it has no options and assumes no attackers. */
export type OwnRule = AnyRule | ((input: RuleInput) => Combination | Reduction)

/** Rules that the registry does not have, by the names by which a plan asks for them. */
export type OwnRules = Readonly<Record<string, OwnRule>>

/** Rules that plans of simulations may name besides those of the registry. */
export type RuleOptions = { readonly rules?: OwnRules | undefined }

const NAME = /^[a-z0-9][a-z0-9-]{0,99}$/

/**
 * The registry's rules and one's own, each of which is watched: what it throws, and what it must not give, fails by its name.
 * Undefined where there are none of one's own. Throws `plan.invalid` for a name that is no name or is taken, and for a rule that is none.
 */
export function knownRules(own: OwnRules | undefined): RuleTable | undefined {
  const entries = Object.entries(own ?? {})
  if (entries.length === 0) return undefined
  return { ...rules, ...Object.fromEntries(entries.map(([name, rule]) => [name, ownRule(name, rule)])) }
}

function ownRule(name: string, own: OwnRule): AnyRule {
  if (!NAME.test(name)) throw invalid(name, 'a name has small letters, digits and dashes')
  if (Object.hasOwn(rules, name)) throw invalid(name, 'there is a rule of this name; take another one')
  if (Object.hasOwn(stages, name)) throw invalid(name, 'there is a stage of this name; take another one')
  const rule = typeof own === 'function' ? decidingOnly(own) : own
  checkMembers(name, rule)
  return guardRule(watched(name, rule as Rule<unknown>))
}

function decidingOnly(decide: (input: RuleInput) => Combination | Reduction): Rule<unknown> {
  return {
    options: z.strictObject({}),
    breakdown: () => 0,
    condition: 'f = 0',
    attackers: () => undefined,
    usesGram: true,
    decide: (input) => decide(input),
  }
}

/** Not everybody who passes a rule compiles with types. */
function checkMembers(name: string, rule: AnyRule): void {
  const members = (rule ?? {}) as { readonly [member: string]: unknown }
  const missing = ['breakdown', 'attackers', 'decide'].find((member) => typeof members[member] !== 'function')
  if (missing !== undefined) throw invalid(name, `${missing} is no function`)
  if (!(members.options instanceof z.ZodType)) throw invalid(name, 'options is no schema of zod')
  if (typeof members.condition !== 'string') throw invalid(name, 'condition is no text')
  if (typeof members.usesGram !== 'boolean') throw invalid(name, 'usesGram is neither true nor false')
  const { extra, usesGram } = members
  if (extra === undefined) return
  if (!['root', 'center', 'histories'].includes(String(extra)))
    throw invalid(name, `there is no extra row ${String(extra)}`)
  if (!usesGram) throw invalid(name, 'an extra row is a row of the gram: usesGram must be true')
}

function watched(name: string, rule: Rule<unknown>): Rule<unknown> {
  return {
    ...rule,
    breakdown: (n, options) => {
      const most: unknown = attempt(name, 'breakdown', 'plan.infeasible', () => rule.breakdown(n, options))
      if (typeof most === 'number' && !Number.isNaN(most)) return most
      throw new ParleyError('plan.infeasible', `${name} is wrong: its breakdown of ${n} updates is ${String(most)}`)
    },
    attackers: (options) => {
      const f: unknown = attempt(name, 'attackers', 'plan.infeasible', () => rule.attackers(options))
      if (f === undefined || (Number.isInteger(f) && Number(f) >= 0)) return f as number | undefined
      throw new ParleyError('plan.infeasible', `${name} is wrong: it assumes ${String(f)} attackers`)
    },
    decide: (input, options) =>
      checkedVerdict(
        name,
        input,
        attempt(name, 'decide', 'round.aggregation-failed', () => rule.decide(input, options)),
      ),
  }
}

/** Messages begin with the name: by it the field of the scenario is found. */
function attempt<Value>(
  name: string,
  member: string,
  code: 'plan.infeasible' | 'round.aggregation-failed',
  call: () => Value,
): Value {
  try {
    return call()
  } catch (cause) {
    throw new ParleyError(code, `${name} threw in ${member}: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    })
  }
}

function invalid(name: string, why: string): ParleyError {
  return new ParleyError('plan.invalid', `rules.${name}: ${why}`)
}
