import { ParleyError } from '../errors/index.ts'

export type CanonicalValue =
  | null
  | boolean
  | number
  | string
  | readonly CanonicalValue[]
  | { readonly [key: string]: CanonicalValue }

/**
 * JSON Canonicalization Scheme (RFC 8785): keys sorted by UTF-16 code units, no white space, numbers as ECMAScript
 * writes them. Throws `internal` on NaN, infinities, lone surrogates and undefined members, which have no such form.
 */
export function canonicalJson(value: CanonicalValue): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'number') return Number.isFinite(value) ? JSON.stringify(value) : fail(String(value))
  if (typeof value === 'string') return value.isWellFormed() ? JSON.stringify(value) : fail('a lone surrogate')
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
