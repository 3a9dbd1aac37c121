/** People at the command line: from the first admin to an act that takes two. */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../core/system-clock.ts'
import type { RequestView } from '../../server/members/four-eyes.ts'
import type { MemberView } from '../../server/members/member-view.ts'
import { openDurableStore } from '../../server/store/durable/store.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import { publish, releaseKey, running } from '../server/http-fixtures.ts'
import { createProgram, inProcess, parleyJson } from '../support/cli.ts'
import { addMember, cheap, peopleOf } from '../support/people.ts'
import { registryOf } from '../support/release.ts'
import { adminToken, Started } from '../support/started.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-members-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const at = (name: string) => join(folder, name)
async function file(name: string, text: string): Promise<string> {
  await writeFile(at(name), `${text}\n`)
  return at(name)
}

async function failure(...args: readonly string[]) {
  const { code, stdout } = await inProcess(...args, '--json')
  const { error } = JSON.parse(stdout) as { error: { code: string; message: string } }
  return { exit: code, ...error }
}

describe('members', () => {
  const home = () => at('home')
  let started: Started
  let url: string
  afterAll(() => started.stop())

  test('begin with one admin, made on the machine itself before the coordinator runs', async () => {
    const add = (name: string) => ['member', 'add', name, '--first', '--home', home()]
    const made = await parleyJson<{ member: MemberView; initial: object }>(...add('ann'), '--initial-file', at('first'))
    expect(made.member).toMatchObject({ name: 'ann', grants: [{ role: 'admin', by: 'host' }] })
    expect(made.initial).toMatchObject({ file: at('first') })
    expect(JSON.stringify(made)).not.toContain((await readFile(at('first'), 'utf8')).trim())
    expect(await failure(...add('bo'))).toMatchObject({ exit: 4, code: 'run.conflict' })
    expect(await failure(...add('mem_1'))).toMatchObject({ exit: 2, code: 'request.invalid' })
    expect(await failure('member', 'add', 'bo', '--first')).toMatchObject({ exit: 2, code: 'request.invalid' })
    const store = await openDurableStore({ folder: join(home(), 'store') })
    started = await Started.create({ store, members: { passwordCost: cheap } })
    url = started.running.urls.http
    expect(await failure(...add('bo'))).toMatchObject({ code: 'store.locked' })
  })

  test('set up their account, and make tokens for programs; secrets lie in files that nobody else reads', async () => {
    const setup = ['member', 'setup', 'ann', '--url', url, '--password-file', at('first')]
    const next = await file('password', 'a long enough password')
    expect(await failure(...setup)).toMatchObject({
      exit: 2,
      code: 'request.invalid',
      message: expect.stringContaining('--new-password-file'),
    })
    const files = ['--new-password-file', next, '--uri-file', at('uri'), '--recovery-file', at('recovery')]
    expect(await parleyJson(...setup, ...files)).toMatchObject({ done: ['password', 'second-factor'] })
    expect(await readFile(at('uri'), 'utf8')).toMatch(/^otpauth:\/\/totp\/Parley:ann\?secret=[A-Z2-7]{32}&/)
    const [code] = (await readFile(at('recovery'), 'utf8')).split('\n')
    const create = ['token', 'create', '--url', url, '--login', 'ann', '--password-file', next, '--label', 'office']
    const scopes = ['member.read', 'member.write', 'request.read', 'request.decide'].flatMap((one) => ['--scope', one])
    const wrong = await file('wrong', '000000')
    expect(await failure(...create, ...scopes, '--code-file', wrong)).toMatchObject({ exit: 3, code: 'auth.failed' })
    expect(await failure(...create, ...scopes)).toMatchObject({ exit: 3, code: 'auth.failed' })
    const right = await file('code', code!)
    const made = await parleyJson<object>(
      ...create,
      ...scopes,
      '--code-file',
      right,
      '--expires',
      '30d',
      '--out',
      at('token'),
    )
    const token = (await readFile(at('token'), 'utf8')).trim()
    expect(token).toMatch(/^parley_[0-9a-f]{16}_[0-9a-f]{64}$/)
    expect(JSON.stringify(made)).not.toContain(token.split('_')[2])
    for (const secret of ['first', 'uri', 'recovery', 'token']) {
      expect([secret, (await stat(at(secret))).mode & 0o777]).toEqual([secret, 0o600])
    }
  })

  test('add others, give and take roles, and ask a second one for the role of an admin', async () => {
    const ann = ['--url', url, '--token-file', at('token')]
    const host = ['--url', url, '--token-file', await file('admin.token', adminToken)]
    const roles = ['--role', 'operator', '--role', 'viewer=2099-01-31']
    const shown = await inProcess('member', 'add', 'bo', ...roles, ...ann)
    expect(shown.stdout).toMatch(/^bo {2}mem_[0-9a-f]{16} {2}operator, viewer until 2099-01-31T00:00:00\.000Z/)
    expect(shown.stdout).toMatch(/password: [a-z2-9]{4}(-[a-z2-9]{4}){4}\n/)
    const { members } = await parleyJson<{ members: MemberView[] }>('member', 'list', ...ann)
    expect(members.map(({ name }) => name)).toEqual(['ann', 'bo'])
    const { request } = await parleyJson<{ request: RequestView }>('member', 'role', 'bo', 'admin', ...ann)
    expect(request).toMatchObject({ act: 'member.grant-admin', state: 'pending' })
    expect((await inProcess('request', 'list', ...ann)).stdout).toContain(`parley request confirm ${request.id}`)
    const confirm = ['request', 'confirm', request.id]
    expect(await failure(...confirm, ...ann)).toMatchObject({ exit: 2, message: expect.stringContaining('--digest') })
    const { digest } = request
    expect(await failure(...confirm, '--digest', digest, ...ann)).toMatchObject({
      exit: 3,
      code: 'four-eyes.same-person',
    })
    const done = await parleyJson<{ request: RequestView }>(...confirm, '--digest', digest, ...host)
    expect(done.request).toMatchObject({ state: 'done', decidedBy: 'host' })
    expect((await inProcess('member', 'role', 'bo', 'admin', '--remove', ...ann)).stdout).not.toContain('admin')
    const again = await parleyJson<{ request: RequestView }>('member', 'role', 'bo', 'admin', ...ann)
    expect((await inProcess('request', 'refuse', again.request.id, ...ann)).stdout).toContain('refused')
    expect(await parleyJson('request', 'list', ...ann)).toEqual({ requests: [] })
    expect((await parleyJson<{ requests: object[] }>('request', 'list', '--all', ...ann)).requests).toHaveLength(2)
    for (const [act, text] of [
      ['disable', 'disabled'],
      ['enable', 'bo'],
      ['reset-second-factor', 'no second factor'],
      ['reset-password', 'password: '],
    ] as const) {
      expect((await inProcess('member', act, 'bo', ...ann)).stdout).toContain(text)
    }
    expect(await failure('member', 'disable', 'nobody', ...ann)).toMatchObject({ exit: 4, code: 'object.not-found' })
    expect(await failure('member', 'role', 'bo', 'operator', '--until', 'soon', ...ann)).toMatchObject({ exit: 2 })
    const { tokens } = await parleyJson<{ tokens: { id: string }[] }>('token', 'list', ...ann)
    const revoke = ['token', 'revoke', tokens[0]!.id, '--member', 'ann', ...ann]
    expect((await inProcess(...revoke)).stdout).toContain('revoked')
    expect(await failure('member', 'list', ...ann)).toMatchObject({ exit: 3, code: 'auth.failed' })
  })

  test('send no password in clear text to another machine', async () => {
    const args = ['member', 'setup', 'ann', '--url', 'http://192.0.2.1:7080', '--password-file', at('first')]
    expect(await failure(...args)).toMatchObject({ exit: 2, code: 'config.insecure' })
  })
})

test('a promotion by a member waits for another one', async () => {
  const store = memoryStore()
  const people = peopleOf(store, { clock: systemClock })
  const server = await running({ store, people, registry: registryOf(store, releaseKey) })
  for (const round of [1, 2]) await publish(store, round)
  const remote = async (role: string) => {
    const member = await addMember(store, systemClock, [role])
    const caller = (await people.ofSession(await member.session()))!
    const scopes = ['alias.move', 'version.approve', 'request.read', 'request.decide'] as const
    const given = scopes.filter((one) => caller.permissions.has(one))
    const { token } = await people.createToken(caller, { label: 'x', scopes: given, expiresAt: Date.now() + 60_000 })
    return ['--url', server.url, '--token-file', await file(role, token)]
  }
  const [operator, approver] = [await remote('operator'), await remote('approver')]
  const asked = await inProcess('model', 'promote', 'heart/1', '--reason', 'better', ...operator)
  expect([asked.code, asked.stdout]).toEqual([0, expect.stringMatching(/^req_\w+ {2}alias\.promote {2}pending/)])
  const [request] = (await parleyJson<{ requests: RequestView[] }>('request', 'list', ...approver)).requests
  await parleyJson('request', 'confirm', request!.id, '--digest', request!.digest, ...approver)
  expect((await store.records.alias('heart', 'production'))?.version).toBe(1)
  const claimed = ['model', 'promote', 'heart/1', '--reason', 'x', '--as', 'somebody', ...operator]
  expect(await failure(...claimed)).toMatchObject({ exit: 3, code: 'auth.identity-mismatch' })
})

test('a coordinator refuses settings for members that are none', async () => {
  for (const setting of [
    ['--four-eyes', 'everything'],
    ['--second-factor', 'none'],
  ]) {
    expect(await failure('coordinator', '--home', at('other'), ...setting)).toMatchObject({
      exit: 2,
      code: 'request.invalid',
    })
  }
})

test('no option takes a secret', () => {
  const options = createProgram().commands.flatMap((one) => one.commands.flatMap(({ options: own }) => own))
  const secret = options.filter(
    ({ long, required }) => required && /^--(.*-)?(password|code|secret|token)$/.test(long ?? ''),
  )
  expect(secret.map(({ flags }) => flags)).toEqual([])
})
