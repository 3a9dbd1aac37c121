import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fourEyesActs } from '../../server/members/four-eyes.ts'
import { PASSWORD_COST } from '../../server/members/passwords.ts'
import { type Permission, permissionsOf, rolePermissions, roles } from '../../server/members/permissions.ts'
import { root } from '../support/source-files.ts'

const page = readFileSync(join(root, 'docs/members.md'), 'utf8')
const namesIn = (text: string) => [...text.matchAll(/`([a-z.-]+)`/g)].map(([, name]) => name)

describe('docs/members.md', () => {
  it.each(roles)('says what %s may, and nothing else', (role) => {
    const line = page.split('\n').find((one) => one.startsWith(`| \`${role}\` |`))!
    expect(namesIn(line)).toEqual([role, ...rolePermissions[role]])
  })

  it('says what everybody has', () => {
    const line = /Every member also has (.*), for its own account/.exec(page)?.[1] ?? ''
    expect(namesIn(line)).toEqual([...permissionsOf([])])
  })

  it.each(fourEyesActs)('names %s among what takes two', (act) => {
    expect(page).toContain(`| \`${act}\`: `)
  })

  it('has the cost of passwords', () => {
    const { N, r, p } = PASSWORD_COST
    expect(page).toContain(`N = ${N.toLocaleString('en')}, r = ${r}, p = ${p}`)
    expect(128 * N * r).toBe(64 * 2 ** 20)
  })
})

describe('roles', () => {
  it('add up, and nothing more comes of it', () => {
    const together = permissionsOf(['viewer', 'approver'])
    const each = new Set<Permission>([...permissionsOf(['viewer']), ...permissionsOf(['approver'])])
    expect(together).toEqual(each)
  })
})
