import { isNode, LineCounter, parseDocument, stringify } from 'yaml'
import { ParleyError } from '../core/errors/index.ts'
import { canonicalPlan, parsePlan } from '../core/plan/parse.ts'

/** Something wrong in a plan. `line` from 1; undefined where it is nowhere in the text, as a key that is missing. */
export type PlanProblem = { readonly line?: number; readonly code: string; readonly message: string }

export type CheckedPlan =
  | { readonly ok: true; readonly effective: string; readonly defaults: readonly string[] }
  | { readonly ok: false; readonly problems: readonly PlanProblem[] }

/** Checks a plan as the coordinator will, and says where in the text each problem is. */
export function checkedPlan(text: string): CheckedPlan {
  try {
    const plan = JSON.parse(canonicalPlan(parsePlan(text))) as object
    return { ok: true, effective: stringify(plan), defaults: defaultsOf(text, plan) }
  } catch (thrown) {
    const { code, message } = ParleyError.from(thrown)
    // One problem after the other; each begins with a path and a colon, which nothing inside of one does.
    const parts = code === 'plan.invalid' ? message.split(/; (?=[\w.-]+: )/) : [message]
    return { ok: false, problems: parts.map((part) => ({ ...lineOf(text, part, code), code, message: part })) }
  }
}

function lineOf(text: string, message: string, code: string): { readonly line?: number } {
  const counter = new LineCounter()
  const document = parseDocument(text, { lineCounter: counter })
  if (code === 'plan.unreadable') {
    const position = document.errors[0]?.linePos?.[0]
    return position === undefined ? {} : { line: position.line }
  }
  const [, path = ''] = /^([\w.-]+): /.exec(message) ?? []
  const [, unknown] = /unknown key "([^"]+)"/.exec(message) ?? []
  const steps = [...path.split('.').filter((step) => step !== 'plan'), ...(unknown === undefined ? [] : [unknown])]
  // What is missing is told of where it should be: at the nearest thing around it that is there.
  for (let length = steps.length; length > 0; length--) {
    const node = document.getIn(steps.slice(0, length).map(stepOf), true)
    if (isNode(node) && node.range) return { line: counter.linePos(node.range[0]).line }
  }
  return {}
}

function stepOf(step: string): string | number {
  return /^\d+$/.test(step) ? Number(step) : step
}

/** What the plan has of itself where the text says nothing, as `path: value`. */
function defaultsOf(text: string, plan: object): readonly string[] {
  const written = parseDocument(text).toJS({ maxAliasCount: 100 }) as unknown
  const found: string[] = []
  const walk = (value: unknown, given: unknown, path: string) => {
    if (given === undefined && (!isMap(value) || Object.keys(value).length === 0)) {
      found.push(`${path}: ${JSON.stringify(value)}`)
    } else if (isMap(value)) {
      for (const [key, inner] of Object.entries(value)) {
        walk(inner, isMap(given) ? given[key] : undefined, path === '' ? key : `${path}.${key}`)
      }
    }
  }
  walk(plan, written, '')
  return found
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
