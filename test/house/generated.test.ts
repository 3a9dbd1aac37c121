/** test/wire/generated.test.ts compares every generated file with what its source gives; here is what the pages must hold. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { auditActions } from '../../core/audit/actions.ts'
import { catalogue } from '../../core/errors/index.ts'
import { defaultLimits, limitTable } from '../../core/wire/limits.ts'
import { generatedFiles } from '../../scripts/generated-files.ts'
import { root } from '../support/source-files.ts'

const pages = generatedFiles()
const rowsOf = (page: string) =>
  page
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.slice(2, -2).split(' | '))

describe('docs/errors.md', () => {
  const rows = rowsOf(pages['docs/errors.md']!)

  test('has a line for every code, and no other', () => {
    expect(rows.map(([code]) => code!.slice(1, -1)).sort()).toEqual(Object.keys(catalogue).sort())
  })

  test.each(Object.entries(catalogue))('says of %s what the program does', (code, entry) => {
    const row = rows.find(([name]) => name === `\`${code}\``)!
    const { meaning, hint, retryable, http, grpc, close, exit } = entry
    const shown = [
      meaning,
      hint,
      retryable ? 'yes' : 'no',
      `${http}`,
      grpc,
      close === undefined ? '–' : `${close}`,
      `${exit}`,
    ]
    expect(row.slice(1)).toEqual(shown)
  })
})

describe('docs/limits.md', () => {
  const rows = rowsOf(pages['docs/limits.md']!)
  const units: Readonly<Record<string, number>> = {
    GiB: 2 ** 30,
    MiB: 2 ** 20,
    KiB: 1024,
    bytes: 1,
    min: 60_000,
    s: 1000,
    ms: 1,
  }

  test.each(Object.entries(defaultLimits))('gives the default of %s, which is %d', (name, value) => {
    const [, shown, meaning, code] = rows.find(([limit]) => limit === `\`${name}\``)!
    const [number, unit] = shown!.split(' ')
    expect(Number(number!.replaceAll(',', '')) * (unit === undefined ? 1 : units[unit]!)).toBe(value)
    const limit = limitTable[name as keyof typeof limitTable]
    expect(meaning).toBe(limit.meaning)
    expect(code).toContain(`\`${limit.exceeded}\``)
  })
})

describe('the manual', () => {
  const manual = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'))

  test.each(manual)('%s links only to what is there', (name) => {
    const text = readFileSync(join(root, 'docs', name), 'utf8')
    const links = [...text.matchAll(/\]\((?!https?:)([^)#\s]+)/g)].map(([, link]) => link!)
    expect(links.filter((link) => !existsSync(join(root, 'docs', link)))).toEqual([])
  })

  test.each(manual)('%s names no error code that does not exist', (name) => {
    const text = readFileSync(join(root, 'docs', name), 'utf8')
    const family = new Set(Object.keys(catalogue).map((code) => code.split('.')[0]))
    const named = [...text.matchAll(/`([a-z]+\.[a-z]+(?:-[a-z]+)*)`/g)].map(([, code]) => code!)
    const codes = named.filter((code) => family.has(code.split('.')[0]) && !/\.(ts|md|json|yaml|proto|csv)$/.test(code))
    // Names of fields and of what is recorded look alike: `model.digest`, `gate.decide`.
    expect(
      codes.filter(
        (code) =>
          !Object.hasOwn(catalogue, code) &&
          !Object.hasOwn(auditActions, code) &&
          /^(session|frame|auth|store|node|gate|upload)\./.test(code),
      ),
    ).toEqual([])
  })
})
