import { describe, expect, test } from 'vitest'
import { catalogue, isErrorCode } from '../../core/errors/index.ts'
import { limitTable } from '../../core/wire/limits.ts'
import { sourcesOf } from '../support/source-files.ts'

const sources = sourcesOf('core', 'audit', 'kernels', 'server', 'client', 'sim', 'cli').filter(
  ({ path }) => !path.startsWith('core/errors/catalogue/'),
)
const codes = Object.keys(catalogue)
const uses = (code: string) => sources.filter(({ text }) => text.includes(`'${code}'`))

describe('the catalogue of errors', () => {
  test.each(codes)('%s is used', (code) => {
    expect(uses(code).length).toBeGreaterThan(0)
  })

  test('has every code that is thrown', () => {
    const thrown = sources.flatMap(({ text }) =>
      [...text.matchAll(/new ParleyError\(\s*'([^']*)'/g)].map(([, code]) => code!),
    )
    expect(thrown.length).toBeGreaterThan(100)
    expect(thrown.filter((code) => !isErrorCode(code))).toEqual([])
  })

  test('has every code that a limit names', () => {
    expect(
      Object.values(limitTable)
        .map(({ exceeded }) => exceeded)
        .filter((code) => !isErrorCode(code)),
    ).toEqual([])
  })

  test('says of each what it means and what to do, in one line without an end', () => {
    for (const [code, { meaning, hint }] of Object.entries(catalogue)) {
      for (const text of [meaning, hint]) expect(text, code).toMatch(/^[^\n]{10,200}[^.\n]$/)
    }
  })

  test('ends sessions with codes that WebSocket allows', () => {
    for (const [code, { close }] of Object.entries(catalogue)) {
      if (close === undefined) continue
      expect([1002, 1009, 1011, 1012, 1013].includes(close) || (close >= 4000 && close <= 4999), code).toBe(true)
    }
  })
})

test.each(Object.keys(limitTable))('the limit %s is held against something', (name) => {
  const reads = new RegExp(`\\b[a-z]*[lL]imits\\.${name}\\b|\\bmax[A-Z]\\w*: limits\\.${name}\\b`)
  const readers = sources.filter(({ path, text }) => path !== 'core/wire/limits.ts' && reads.test(text))
  expect(readers.map(({ path }) => path)).not.toEqual([])
})
