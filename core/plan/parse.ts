import { parseDocument } from 'yaml'
import type { RuleTable } from '../aggregation/rule.ts'
import { utf8 } from '../encoding/bytes.ts'
import { type CanonicalValue, canonicalJson } from '../encoding/canonical-json.ts'
import { ParleyError } from '../errors/index.ts'
import { defaultLimits } from '../wire/limits.ts'
import { checkEvaluation } from './check-evaluation.ts'
import { checkGates } from './check-gates.ts'
import { checkPrivacy } from './check-privacy.ts'
import { explainIssues } from './explain.ts'
import { checkFreeze } from './freeze.ts'
import { type Plan, planSchemaOf } from './plan.ts'

export type PlanOptions = {
  /** All rules that a plan may name; by default those of the registry. Only simulations know others. */
  readonly rules?: RuleTable | undefined
}

/**
 * Reads a plan from YAML (JSON is YAML too). Throws `plan.unreadable` with the line, or `plan.invalid` with every field
 * that is wrong and, for an unknown key, the nearest known one.
 */
export function parsePlan(text: string, options: PlanOptions & { readonly maxBytes?: number } = {}): Plan {
  const { maxBytes = defaultLimits.planBytes } = options
  if (utf8(text).length > maxBytes) throw new ParleyError('plan.unreadable', `a plan has at most ${maxBytes} bytes`)
  const document = parseDocument(text, { uniqueKeys: true, strict: true })
  const problem = document.errors[0]
  if (problem !== undefined) throw new ParleyError('plan.unreadable', problem.message.split('\n')[0])
  return checkPlan(toPlain(document), options)
}

/** Checks a value that may be a plan. Throws `plan.invalid`, or `plan.infeasible` where its parts do not go together. */
export function checkPlan(value: unknown, options: PlanOptions = {}): Plan {
  return planCheck(options)(value)
}

/** `checkPlan` for many values: with rules of one's own its schema takes longer to make than a plan to check. */
export function planCheck({ rules }: PlanOptions): (value: unknown) => Plan {
  const schema = planSchemaOf(rules)
  return (value) => {
    const result = schema.safeParse(value)
    if (result.success) {
      checkGates(result.data)
      checkFreeze(result.data)
      checkPrivacy(result.data, rules)
      checkEvaluation(result.data)
      return result.data
    }
    throw new ParleyError('plan.invalid', explainIssues(result.error, schema, 'plan'))
  }
}

/** The canonical text of an effective plan; its SHA-256 is the plan's digest, its identity. */
export function canonicalPlan(plan: Plan): string {
  // A parsed plan is plain JSON: the round trip drops members that are undefined.
  return canonicalJson(JSON.parse(JSON.stringify(plan)) as CanonicalValue)
}

function toPlain(document: ReturnType<typeof parseDocument>): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch (cause) {
    throw new ParleyError('plan.unreadable', cause instanceof Error ? cause.message : String(cause), { cause })
  }
}
