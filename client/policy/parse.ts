import { parseDocument } from 'yaml'
import { utf8 } from '../../core/encoding/bytes.ts'
import { type CanonicalValue, canonicalJson } from '../../core/encoding/canonical-json.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { explainIssues } from '../../core/plan/explain.ts'
import { unknownWord } from '../../core/plan/words.ts'
import { beginningOf, endOf } from './instants.ts'
import { type Policy, policySchema } from './schema.ts'

/** Largest text of a policy. */
export const POLICY_BYTES = 1024 * 1024

/**
 * Reads a policy from YAML. Throws `policy.unreadable` with the line, or `policy.invalid` with every field that is wrong and, for
 * an unknown key or name, the nearest known one.
 */
export function parsePolicy(text: string): Policy {
  if (utf8(text).length > POLICY_BYTES)
    throw new ParleyError('policy.unreadable', `a policy has at most ${POLICY_BYTES} bytes`)
  const document = parseDocument(text, { uniqueKeys: true, strict: true })
  const problem = document.errors[0]
  if (problem !== undefined) throw new ParleyError('policy.unreadable', problem.message.split('\n')[0])
  return checkPolicy(plainOf(document))
}

/** Checks a value that may be a policy. Throws `policy.invalid`. */
export function checkPolicy(value: unknown): Policy {
  const result = policySchema.safeParse(value)
  if (!result.success) throw new ParleyError('policy.invalid', explainIssues(result.error, policySchema, 'policy'))
  const problems = problemsOf(result.data)
  if (problems.length > 0) throw new ParleyError('policy.invalid', problems.join('; '))
  return result.data
}

/** The canonical text of a policy; its SHA-256 is the policy's digest. */
export function canonicalPolicy(policy: Policy): string {
  // A parsed policy is plain JSON: the round trip drops members that are undefined.
  return canonicalJson(JSON.parse(JSON.stringify(policy)) as CanonicalValue)
}

/** What names nothing, and what cannot be fulfilled. */
function problemsOf(policy: Policy): string[] {
  const { coordinators, data, studies, approvals, approvers } = policy
  const problems: string[] = []
  const look = (where: string, word: string, known: object, what: string) => {
    if (!Object.hasOwn(known, word)) problems.push(`${where}: ${unknownWord(word, Object.keys(known), what)}`)
  }
  for (const [name, study] of Object.entries(studies)) {
    look(`studies.${name}.data`, study.data, data, 'data set')
    for (const coordinator of study.coordinators) {
      look(`studies.${name}.coordinators`, coordinator, coordinators, 'coordinator')
    }
    problems.push(...spanProblems(`studies.${name}.valid`, study.valid))
  }
  problems.push(...spanProblems('valid', policy.valid))
  const people = new Set(Object.values(approvers)).size + 1
  if (approvals > people) {
    problems.push(
      `approvals: ${approvals} people are asked for, and with the site’s key ${people} can approve: list approvers`,
    )
  }
  return problems
}

function spanProblems(where: string, valid: Policy['valid']): string[] {
  const { from, until } = valid ?? {}
  if (from === undefined || until === undefined || beginningOf(from) < endOf(until)) return []
  return [`${where}: until is not after from`]
}

function plainOf(document: ReturnType<typeof parseDocument>): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch (cause) {
    throw new ParleyError('policy.unreadable', cause instanceof Error ? cause.message : String(cause), { cause })
  }
}
