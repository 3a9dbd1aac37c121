import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { auditActions } from '../../core/audit/actions.ts'
import { root, sourcesOf } from '../support/source-files.ts'

const page = readFileSync(join(root, 'docs/audit.md'), 'utf8')
const rows = new Map(
  [...page.matchAll(/^\| `([a-z]+\.[a-z-]+)` \| (.+) \|$/gm)].map(([, action, what]) => [action, what]),
)

test('the manual has every action with its meaning, and no other', () => {
  expect(Object.fromEntries(rows)).toEqual(auditActions)
})

test('every action is recorded somewhere, and is one noun and one verb', () => {
  const sources = sourcesOf('audit', 'core', 'server', 'client', 'cli').filter(
    ({ path }) => path !== 'core/audit/actions.ts',
  )
  const unused = Object.keys(auditActions).filter((action) => !sources.some(({ text }) => text.includes(`'${action}'`)))
  expect(unused).toEqual([])
  expect(Object.keys(auditActions).filter((action) => !/^[a-z]+\.[a-z]+(-[a-z]+)*$/.test(action))).toEqual([])
})
