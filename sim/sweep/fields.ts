import { z } from 'zod'
import { ParleyError } from '../../core/errors/index.ts'
import { nearestWord } from '../../core/plan/nearest.ts'
import { planJsonSchema } from '../../core/plan/plan.ts'
import { worldSchema } from '../world/scenario.ts'

type Node = { readonly [key: string]: unknown }

let root: Node | undefined

/** The JSON Schema of what a person writes into a scenario file. */
function scenarioNode(): Node {
  root ??= {
    properties: {
      scenario: { type: 'integer' },
      description: { type: 'string' },
      plan: planJsonSchema(),
      world: z.toJSONSchema(worldSchema, { io: 'input', unrepresentable: 'any' }),
    },
  }
  return root
}

/**
 * The field of a scenario that a dotted path names, as in `plan.aggregation.rule` or `world.faults.0.dropout.rate`. Fails with
 * `plan.invalid` where scenarios have no such field, naming `where` the path stands and the nearest path there is.
 */
export function fieldAt(path: string, where: string): { readonly integer: boolean } {
  const steps = path.split('.')
  let nodes = alternatives(scenarioNode())
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
  return [...unknownIn(world, alternatives((scenarioNode().properties as Node).world), 'world')]
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

function advice(word: string, known: readonly string[]): string {
  const nearest = nearestWord(word, known)
  return nearest === undefined ? `known: ${known.join(', ')}` : `did you mean "${nearest}"?`
}

function keysOf(nodes: readonly Node[]): string[] {
  return [...new Set(nodes.flatMap(({ properties }) => (isNode(properties) ? Object.keys(properties) : [])))]
}

/** What a schema says of a member of what it describes. */
function within(node: Node, step: string): Node[] {
  if (/^\d+$/.test(step)) {
    const { items, prefixItems } = node
    return alternatives((Array.isArray(prefixItems) ? prefixItems[Number(step)] : undefined) ?? items)
  }
  const { properties, additionalProperties } = node
  if (isNode(properties) && Object.hasOwn(properties, step)) return alternatives(properties[step])
  return alternatives(additionalProperties)
}

function alternatives(node: unknown): Node[] {
  if (!isNode(node)) return []
  const unions = [node.anyOf, node.oneOf, node.allOf].filter(Array.isArray).flat()
  // In a choice between keys `oneOf` says only which are required: no alternative of its own.
  return [node, ...unions.filter((one) => Object.keys(one).join() !== 'required').flatMap(alternatives)]
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
