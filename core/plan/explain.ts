import { z } from 'zod'
import { nearestWord } from './nearest.ts'

/**
 * Every issue in words, with its place; for an unknown key the nearest that the schema knows there.
 *
 * - `root`: what the whole value is called.
 */
export function explainIssues(error: z.ZodError, schema: z.ZodType, root: string): string {
  return error.issues.map((issue) => explain(issue, schema, root)).join('; ')
}

function explain(issue: z.core.$ZodIssue, schema: z.ZodType, root: string): string {
  const where = issue.path.length === 0 ? root : issue.path.map(String).join('.')
  if (issue.code !== 'unrecognized_keys') return `${where}: ${issue.message}`
  const known = knownKeys(issue.path, schema)
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
function knownKeys(path: readonly PropertyKey[], schema: z.ZodType): string[] {
  let nodes = alternatives(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }))
  for (const step of path) {
    nodes = nodes.flatMap((node) => {
      const member =
        typeof step === 'number' ? node.items : isNode(node.properties) ? node.properties[String(step)] : undefined
      return alternatives(member ?? node.additionalProperties)
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
