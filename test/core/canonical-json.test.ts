import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type CanonicalValue, canonicalJson, canonicalJsonOfDefined } from '../../core/encoding/canonical-json.ts'

test('is the example of RFC 8785, section 3.2.3: keys by UTF-16 code units', () => {
  const keys = ['\u20ac', '\r', '\ufb33', '1', '\ud83d\ude00', '\u0080', '\u00f6']
  const value = Object.fromEntries(keys.map((key) => [key, 0]))
  expect(canonicalJson(value)).toBe(
    `{"\\r":0,"1":0,"${'\u0080'}":0,"${'\u00f6'}":0,"${'\u20ac'}":0,"${'\ud83d\ude00'}":0,"${'\ufb33'}":0}`,
  )
})

test('writes numbers as section 3.2.2 has them', () => {
  expect(canonicalJson([333_333_333.333_333_3, 1e30, 4.5, 2e-3, 0.000_000_000_000_000_000_000_000_001, -0])).toBe(
    '[333333333.3333333,1e+30,4.5,0.002,1e-27,0]',
  )
})

test('escapes what JSON escapes, and nothing else', () => {
  expect(canonicalJson('\u20ac$\u000f\nA\'B"\\\\"/\u007f')).toBe('"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/\u007f"')
})

test('parses back to the same value, whatever the order of the keys was', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value as CanonicalValue)
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
      expect(canonicalJson(reversed(value) as CanonicalValue)).toBe(text)
    }),
  )
})

test('leaves out what is undefined only where it was asked to', () => {
  const value = { b: undefined, a: { d: undefined, c: [1] } }
  expect(canonicalJsonOfDefined(value)).toBe('{"a":{"c":[1]}}')
  expect(() => canonicalJson(value as unknown as CanonicalValue)).toThrowError(/no canonical form/)
  expect(() => canonicalJsonOfDefined([undefined])).toThrowError(/no canonical form/)
})

test.each([[Number.NaN], [Number.POSITIVE_INFINITY], ['\ud800'], [{ '\udfff': 1 }]])('has no form for %s', (value) => {
  expect(() => canonicalJson(value as CanonicalValue)).toThrowError(expect.objectContaining({ code: 'internal' }))
})

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).reverse()
  return Object.fromEntries(entries.map(([key, member]) => [key, reversed(member)]))
}
