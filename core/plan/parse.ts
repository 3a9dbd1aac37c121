import { parseDocument } from 'yaml'
import type { z } from 'zod'
import { utf8 } from '../encoding/bytes.ts'
import { type CanonicalValue, canonicalJson } from '../encoding/canonical-json.ts'
import { ParleyError } from '../errors/index.ts'
import { defaultLimits } from '../wire/limits.ts'
import { checkPrivacy } from './check-privacy.ts'
import { nearestWord } from './nearest.ts'
import { type Plan, planJsonSchema, planSchema } from './plan.ts'

/**
 * Reads a plan from YAML (JSON is YAML too). Throws `plan.unreadable` with the line, or `plan.invalid` with every field
 * that is wrong and, for an unknown key, the nearest known one.
 */
export function parsePlan(text: string, maxBytes = defaultLimits.planBytes): Plan {
  if (utf8(text).length > maxBytes) throw new ParleyError('plan.unreadable', `a plan has at most ${maxBytes} bytes`)
  const document = parseDocument(text, { uniqueKeys: true, strict: true })
  const problem = document.errors[0]
  if (problem !== undefined) throw new ParleyError('plan.unreadable', problem.message.split('\n')[0])
  return checkPlan(toPlain(document))
}

/** Checks a value that may be a plan. Throws `plan.invalid`, or `plan.infeasible` where its parts do not go together. */
export function checkPlan(value: unknown): Plan {
  const result = planSchema.safeParse(value)
  if (result.success) {
    checkPrivacy(result.data)
    return result.data
  }
  throw new ParleyError('plan.invalid', result.error.issues.map(explain).join('; '))
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

function explain(issue: z.core.$ZodIssue): string {
  const where = issue.path.length === 0 ? 'plan' : issue.path.map(String).join('.')
  if (issue.code !== 'unrecognized_keys') return `${where}: ${issue.message}`
  const known = knownKeys(issue.path)
  return issue.keys
    .map((key) => {
      const nearest = nearestWord(key, known)
      const advice = nearest === undefined ? `known keys: ${known.join(', ')}` : `did you mean "${nearest}"?`
      return `${where}: unknown key "${key}"; ${advice}`
    })
    .join('; ')
}

type SchemaNode = { [key: string]: unknown }

/** The keys that the schema knows at a path, over all alternatives. */
function knownKeys(path: readonly PropertyKey[]): string[] {
  let nodes = alternatives(planJsonSchema())
  for (const step of path) {
    nodes = nodes.flatMap((node) => {
      const member =
        typeof step === 'number' ? node.items : isNode(node.properties) ? node.properties[String(step)] : undefined
      return alternatives(member)
    })
  }
  return [...new Set(nodes.flatMap((node) => (isNode(node.properties) ? Object.keys(node.properties) : [])))]
}

function alternatives(node: unknown): SchemaNode[] {
  if (!isNode(node)) return []
  const nested = [node.anyOf, node.oneOf, node.allOf].filter(Array.isArray).flat()
  return [node, ...nested.flatMap(alternatives)]
}

function isNode(value: unknown): value is SchemaNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
