import { nearestWord } from '../../core/plan/nearest.ts'

/** A part of a JSON Schema. */
export type Node = { readonly [key: string]: unknown }

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The node and everything that it lets a value be. */
export function alternatives(node: unknown): Node[] {
  if (!isNode(node)) return []
  const unions = [node.anyOf, node.oneOf, node.allOf].filter(Array.isArray).flat()
  // In a choice between keys `oneOf` says only which are required: no alternative of its own.
  return [node, ...unions.filter((one) => Object.keys(one).join() !== 'required').flatMap(alternatives)]
}

/** What a schema says of a member of what it describes. */
export function within(node: Node, step: string): Node[] {
  if (/^\d+$/.test(step)) {
    const { items, prefixItems } = node
    return alternatives((Array.isArray(prefixItems) ? prefixItems[Number(step)] : undefined) ?? items)
  }
  const { properties, additionalProperties } = node
  if (isNode(properties) && Object.hasOwn(properties, step)) return alternatives(properties[step])
  return alternatives(additionalProperties)
}

/** The names of members, over all alternatives. */
export function keysOf(nodes: readonly Node[]): string[] {
  return [...new Set(nodes.flatMap(({ properties }) => (isNode(properties) ? Object.keys(properties) : [])))]
}

/** What to write in the place of a word that is not known. */
export function advice(word: string, known: readonly string[]): string {
  const nearest = nearestWord(word, known)
  return nearest === undefined ? `known: ${known.join(', ')}` : `did you mean "${nearest}"?`
}
