import { ParleyError } from '../errors/index.ts'

/** What canonical JSON may hold. Numbers are integers within ±(2^53-1); fractions travel as decimal strings. */
export type CanonicalValue =
  | null
  | boolean
  | number
  | string
  | readonly CanonicalValue[]
  | { readonly [key: string]: CanonicalValue }

/**
 * JSON Canonicalization Scheme (RFC 8785), restricted to integers: keys sorted by UTF-16 code units, no white space.
 * Throws `internal` on a value that has no canonical form, since only the project's own code calls it.
 */
export function canonicalJson(value: CanonicalValue): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new ParleyError('internal', `${value} has no canonical form here`)
    return String(value === 0 ? 0 : value)
  }
  if (typeof value === 'string') return JSON.stringify(value.isWellFormed() ? value : fail('a lone surrogate'))
  if (isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  const members = Object.keys(value)
    .sort()
    .map((key) => {
      const member = value[key]
      return `${JSON.stringify(key)}:${canonicalJson(member === undefined ? fail('an undefined member') : member)}`
    })
  return `{${members.join(',')}}`
}

function isArray(value: object): value is readonly CanonicalValue[] {
  return Array.isArray(value)
}

function fail(what: string): never {
  throw new ParleyError('internal', `${what} has no canonical form`)
}
