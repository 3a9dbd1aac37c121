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
  return written(value, false)
}

/** The same of plain data whose members may be undefined: those are left out, as JSON leaves them out. */
export function canonicalJsonOfDefined(value: object): string {
  return written(value, true)
}

function written(value: unknown, leaveOutUndefined: boolean): string {
  switch (typeof value) {
    case 'string':
      return quoted(value)
    case 'number':
      return Number.isFinite(value) ? String(Object.is(value, -0) ? 0 : value) : fail(String(value))
    case 'boolean':
      return value ? 'true' : 'false'
    case 'object':
      if (value === null) return 'null'
      return Array.isArray(value) ? array(value, leaveOutUndefined) : members(value, leaveOutUndefined)
    default:
      return fail(`a value of type ${typeof value}`)
  }
}

function array(values: readonly unknown[], leaveOutUndefined: boolean): string {
  let out = ''
  for (const value of values) out += `${out === '' ? '' : ','}${written(value, leaveOutUndefined)}`
  return `[${out}]`
}

function members(value: object, leaveOutUndefined: boolean): string {
  let out = ''
  for (const key of sorted(Object.keys(value))) {
    const member: unknown = value[key as keyof typeof value]
    if (member === undefined && leaveOutUndefined) continue
    out += `${out === '' ? '' : ','}${quoted(key)}:${written(member, leaveOutUndefined)}`
  }
  return `{${out}}`
}

/** By UTF-16 code units, as strings compare. What was read from canonical JSON is in order already. */
function sorted(keys: string[]): string[] {
  for (let i = 1; i < keys.length; i++) if ((keys[i - 1] as string) > (keys[i] as string)) return keys.sort()
  return keys
}

/** What stands in JSON as it is: most names, numbers and digests. */
const plain = /^[ !#-[\]-~]*$/

function quoted(text: string): string {
  if (plain.test(text)) return `"${text}"`
  return text.isWellFormed() ? JSON.stringify(text) : fail('a lone surrogate')
}

function fail(what: string): never {
  throw new ParleyError('internal', `${what} has no canonical form`)
}
