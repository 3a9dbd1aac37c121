import { ParleyError } from '../../core/errors/index.ts'
import { nearestWord } from '../../core/plan/nearest.ts'
import type { RuleOptions } from '../rules/own-rules.ts'
import { scenarioJsonSchema } from '../world/scenario.ts'
import { advice, alternatives, isNode, keysOf, type Node, within } from '../world/schema-nodes.ts'

/**
 * The field of a scenario that a dotted path names, as in `plan.aggregation.rule` or `world.faults.0.dropout.rate`. Fails with
 * `plan.invalid` where scenarios have no such field, naming `where` the path stands and the nearest path there is.
 */
export function fieldAt(path: string, where: string, options?: RuleOptions): { readonly integer: boolean } {
  const steps = path.split('.')
  let nodes = alternatives(scenarioJsonSchema(options))
  for (const [i, step] of steps.entries()) {
    const next = nodes.flatMap((node) => within(node, step))
    if (next.length === 0) throw new ParleyError('plan.invalid', `${where}: ${unknownPath(steps, i, keysOf(nodes))}`)
    nodes = next
  }
  const types = nodes.map(({ type }) => type).filter((type) => type !== undefined)
  return { integer: types.length > 0 && types.every((type) => type === 'integer') }
}

function unknownPath(steps: readonly string[], at: number, known: readonly string[]): string {
  const above = steps.slice(0, at)
  const missing = `scenarios have no field ${steps.join('.')}`
  if (known.length === 0) return `${missing}: ${above.join('.')} has no fields`
  const nearest = nearestWord(steps[at] as string, known)
  if (nearest === undefined) return `${missing}; known in ${above.join('.') || 'a scenario'}: ${known.join(', ')}`
  return `${missing}; did you mean ${[...above, nearest, ...steps.slice(at + 1)].join('.')}?`
}

/**
 * Words in a scenario's world that nothing there is called, each with where it stands and the nearest known one. The schemas say
 * only of some that they are unknown: a union of objects calls all of itself invalid.
 */
export function unknownWords(world: unknown): string[] {
  return [
    ...unknownIn(
      world,
      alternatives(scenarioJsonSchema()).flatMap((node) => within(node, 'world')),
      'world',
    ),
  ]
}

function* unknownIn(value: unknown, nodes: readonly Node[], path: string): Generator<string> {
  if (Array.isArray(value)) {
    for (const [i, member] of value.entries()) {
      yield* unknownIn(
        member,
        nodes.flatMap((node) => within(node, String(i))),
        `${path}.${i}`,
      )
    }
  }
  // A name alone stands for the name with no options.
  const named = typeof value === 'string' && nodes.length > 0 && nodes.every(({ oneOf }) => oneOf !== undefined)
  const members = named ? { [value]: undefined } : isNode(value) ? value : {}
  const known = keysOf(nodes)
  if (known.length === 0) return
  for (const [key, member] of Object.entries(members)) {
    if (!known.includes(key)) yield `${path}: unknown "${key}"; ${advice(key, known)}`
    else {
      yield* unknownIn(
        member,
        nodes.flatMap((node) => within(node, key)),
        `${path}.${key}`,
      )
    }
  }
}
