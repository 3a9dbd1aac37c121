import type { z } from 'zod'
import { advice, alternatives, isNode, keysOf, type Node, within } from './schema-nodes.ts'

type Issue = z.core.$ZodIssue
type UnionIssue = Extract<Issue, { code: 'invalid_union' }>
type Path = readonly PropertyKey[]

/**
 * What is wrong with a value, each with the path of its field from the root and, for a word that is not known, the nearest known one
 * or all of them.
 *
 * - `schema`: the JSON Schema of the same; `whole`: how the root is called.
 */
export function explained(issues: readonly Issue[], value: unknown, schema: object, whole: string): string[] {
  return new Explanation(value, schema, whole).words(issues, [])
}

class Explanation {
  readonly #value: unknown
  readonly #schema: object
  readonly #whole: string

  constructor(value: unknown, schema: object, whole: string) {
    this.#value = value
    this.#schema = schema
    this.#whole = whole
  }

  words(issues: readonly Issue[], above: Path): string[] {
    const strange = new Set(issues.filter(({ code }) => code === 'unrecognized_keys').map(({ path }) => path.join('.')))
    // Where a name is not known, that none of the known ones is there says nothing more.
    const telling = issues.filter(({ code, path }) => code !== 'custom' || !strange.has(path.join('.')))
    return telling.flatMap((issue) => this.#wordsOf(issue, [...above, ...issue.path]))
  }

  #wordsOf(issue: Issue, path: Path): string[] {
    const where = path.length === 0 ? this.#whole : path.map(String).join('.')
    switch (issue.code) {
      case 'unrecognized_keys':
        return this.#unknownKeys(issue.keys, path, where)
      case 'invalid_value': {
        const written = this.#valueAt(path)
        if (typeof written !== 'string') return [`${where}: ${issue.message}`]
        return [unknown(where, written, issue.values.map(String))]
      }
      case 'invalid_union':
        return this.#wordsOfUnion(issue, path, where)
      default:
        return [`${where}: ${issue.message}`]
    }
  }

  /** Zod calls a value invalid that is none of several; what it was meant to be shows in the names that it has. */
  #wordsOfUnion({ errors, message, discriminator }: UnionIssue, path: Path, where: string): string[] {
    const written = this.#valueAt(path)
    const nodes = this.#nodesAt(path)
    if (discriminator !== undefined) {
      const inside = path.at(-1) === discriminator
      const word = isNode(written) ? written[discriminator] : written
      const values = inside ? nodes : nodes.flatMap((node) => within(node, discriminator))
      const known = values.map((node) => node.const).filter((value) => value !== undefined)
      const field = inside ? where : `${where}.${discriminator}`
      return [
        typeof word === 'string' ? unknown(field, word, known.map(String)) : `${field}: one of ${known.join(', ')}`,
      ]
    }
    return isNode(written)
      ? this.#wordsOfObject(errors, written, path, where)
      : this.#wordsOfValue(errors, written, path, where, message)
  }

  #wordsOfObject(errors: UnionIssue['errors'], written: Node, path: Path, where: string): string[] {
    const [names, known] = [Object.keys(written), keysOf(this.#nodesAt(path))]
    const strange = names.filter((key) => !known.includes(key))
    if (known.length > 0 && strange.length > 0) return strange.map((key) => unknown(where, key, known))
    if (names.length === 0) return [`${where}: give one of ${known.join(', ')}`]
    const meant = errors.filter(
      (own) => !own.some(({ code, path }) => code === 'unrecognized_keys' && path.length === 0),
    )
    const nearest = meant.toSorted((a, b) => a.length - b.length)[0]
    return nearest === undefined ? [`${where}: ${names.join(', ')} do not go together`] : this.words(nearest, path)
  }

  #wordsOfValue(errors: UnionIssue['errors'], written: unknown, path: Path, where: string, message: string): string[] {
    const inside = errors.find((own) => own.every(({ path }) => path.length > 0))
    if (inside !== undefined) return this.words(inside, path)
    if (message !== 'Invalid input') return [`${where}: ${message}`]
    const all = errors.flat()
    const known = all.flatMap((issue) => (issue.code === 'invalid_value' ? issue.values.map(String) : []))
    if (typeof written === 'string' && known.length > 0) return [unknown(where, written, known)]
    return [`${where}: ${[...new Set(all.map((issue) => issue.message))].join(', or ')}`]
  }

  #unknownKeys(keys: readonly string[], path: Path, where: string): string[] {
    const known = keysOf(this.#nodesAt(path))
    const written = this.#valueAt(path)
    const names = isNode(written) ? Object.keys(written) : []
    const strange = keys.filter((key) => !known.includes(key))
    // Of several forms only one may be written: the keys of the others are known, and too many.
    if (strange.length === 0) return [`${where}: ${names.join(', ')} do not go together`]
    return strange.map((key) => unknown(where, key, known))
  }

  #nodesAt(path: Path): Node[] {
    return path.reduce<Node[]>(
      (nodes, step) => nodes.flatMap((node) => within(node, String(step))),
      alternatives(this.#schema),
    )
  }

  #valueAt(path: Path): unknown {
    return path.reduce<unknown>((value, step) => {
      // A name alone stands for the name with no options.
      if (typeof value !== 'object' || value === null) return undefined
      return (value as { readonly [step: PropertyKey]: unknown })[step]
    }, this.#value)
  }
}

function unknown(where: string, word: string, known: readonly string[]): string {
  return `${where}: unknown "${word}"; ${advice(word, known)}`
}
