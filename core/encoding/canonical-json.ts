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

/** ECMAScript's own JSON is the canonical form of what stands in order already (RFC 8785, section 3.2.2). */
function written(value: unknown, leaveOutUndefined: boolean): string {
  return standsInOrder(value, leaveOutUndefined) ? JSON.stringify(value) : assembled(value, leaveOutUndefined)
}

/** Whether all keys in a value are in order; throws on what has no canonical form. */
function standsInOrder(value: unknown, leaveOutUndefined: boolean): boolean {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed() || fail('a lone surrogate')
    case 'number':
      return Number.isFinite(value) || fail(String(value))
    case 'boolean':
      return true
    case 'object':
      if (value === null) return true
      return Array.isArray(value) ? elementsDo(value, leaveOutUndefined) : membersDo(value, leaveOutUndefined)
    default:
      return fail(`a value of type ${typeof value}`)
  }
}

function elementsDo(values: readonly unknown[], leaveOutUndefined: boolean): boolean {
  for (let i = 0; i < values.length; i++) if (!standsInOrder(values[i], leaveOutUndefined)) return false
  return true
}

function membersDo(value: object, leaveOutUndefined: boolean): boolean {
  let last = ''
  for (const key of Object.keys(value)) {
    if (key < last || !key.isWellFormed()) return false
    last = key
    const member: unknown = value[key as keyof typeof value]
    if (member === undefined && leaveOutUndefined) continue
    if (!standsInOrder(member, leaveOutUndefined)) return false
  }
  return true
}

function assembled(value: unknown, leaveOutUndefined: boolean): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  return Array.isArray(value) ? array(value, leaveOutUndefined) : members(value, leaveOutUndefined)
}

function array(values: readonly unknown[], leaveOutUndefined: boolean): string {
  let out = '['
  for (let i = 0; i < values.length; i++) out += (i === 0 ? '' : ',') + written(values[i], leaveOutUndefined)
  return `${out}]`
}

function members(value: object, leaveOutUndefined: boolean): string {
  let out = '{'
  for (const key of sorted(Object.keys(value))) {
    const member: unknown = value[key as keyof typeof value]
    if (member === undefined && leaveOutUndefined) continue
    if (!key.isWellFormed()) return fail('a lone surrogate')
    out += `${out === '{' ? '' : ','}${JSON.stringify(key)}:${written(member, leaveOutUndefined)}`
  }
  return `${out}}`
}

/** By UTF-16 code units, as strings compare. In place: the arrays are small, and most are nearly in order. */
function sorted(keys: string[]): string[] {
  if (keys.length > 32) return keys.sort()
  for (let i = 1; i < keys.length; i++) {
    const key = keys[i] as string
    let j = i
    for (; j > 0 && (keys[j - 1] as string) > key; j--) keys[j] = keys[j - 1] as string
    keys[j] = key
  }
  return keys
}

function fail(what: string): never {
  throw new ParleyError('internal', `${what} has no canonical form`)
}
