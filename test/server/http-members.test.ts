/** What people do over HTTP: set up an account, look after others, make tokens. */
import { describe, expect, it, test } from 'vitest'
import { totpCode } from '../../server/members/totp.ts'
import { PASSWORD } from '../support/people.ts'
import { failure } from './http-fixtures.ts'
import { DAY, MINUTE, setUp } from './people-fixtures.ts'

const secretOf = (uri: string): Uint8Array => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  const bits = [...new URL(uri).searchParams.get('secret')!].map((c) =>
    alphabet.indexOf(c).toString(2).padStart(5, '0'),
  )
  return Uint8Array.from(bits.join('').match(/.{8}/g)!, (byte) => Number.parseInt(byte, 2))
}

describe('a new member', () => {
  it('sets a password and a second factor before it can do anything else', async () => {
    const { server, clock, browser, store, acts } = await setUp()
    const made = await server.admin(
      'POST',
      '/v1/members',
      '{"name":"ann","roles":[{"role":"operator"}]}',
      'application/json',
    )
    expect(made.status).toBe(201)
    const { member, initial } = (await made.json()) as { member: { id: string }; initial: { password: string } }
    const ann = browser()
    const first = await ann.send('POST', '/v1/session', { name: 'ann', password: initial.password })
    expect(await first.json()).toMatchObject({ member: { id: member.id }, todo: ['password', 'second-factor'] })
    expect(await failure(await ann.send('GET', '/v1/runs'))).toMatchObject({ status: 403, code: 'auth.second-factor' })
    expect(await failure(await ann.send('POST', '/v1/tokens', {}))).toMatchObject({ code: 'auth.second-factor' })

    const next = (current: string, password: string) =>
      ann.send('POST', '/v1/session/password', { current, next: password })
    expect(await failure(await next('wrong', PASSWORD))).toMatchObject({ status: 401, code: 'auth.failed' })
    for (const weak of ['too short', 'ann', initial.password]) {
      expect(await failure(await next(initial.password, weak))).toMatchObject({ code: 'auth.password-weak' })
    }
    const before = ann.cookie()
    expect(await (await next(initial.password, PASSWORD)).json()).toMatchObject({ todo: ['second-factor'] })
    expect(ann.cookie()).not.toBe(before)
    expect((await browser(before).send('GET', '/v1/session')).status).toBe(401)

    const { uri } = (await (await ann.send('POST', '/v1/session/second-factor', {})).json()) as { uri: string }
    const code = (later = 0) => totpCode(secretOf(uri), Math.floor(clock.now() / 30_000) + later)
    const confirm = (text: string) => ann.send('POST', '/v1/session/second-factor/confirm', { code: text })
    expect(await failure(await confirm('000000'))).toMatchObject({ status: 401, code: 'auth.failed' })
    const done = (await (await confirm(code())).json()) as { todo: string[]; recoveryCodes: string[] }
    expect([done.todo, done.recoveryCodes.length]).toEqual([[], 10])
    expect((await ann.send('GET', '/v1/runs')).status).toBe(200)

    // The code that confirmed it is used; the next one and a recovery code are not, and count once.
    const logIn = (text?: string) =>
      browser().send('POST', '/v1/session', { name: 'ann', password: PASSWORD, ...(text ? { code: text } : {}) })
    expect((await logIn(code())).status).toBe(401)
    expect((await logIn()).status).toBe(401)
    expect((await logIn(code(1))).status).toBe(200)
    expect((await logIn(code(1))).status).toBe(401)
    expect((await logIn(` ${done.recoveryCodes[3]!.toUpperCase()} `)).status).toBe(200)
    expect((await logIn(done.recoveryCodes[3])).status).toBe(401)
    expect((await store.members.member(member.id))?.recoveryCodes).toHaveLength(9)

    // Nothing that proves anything is in what the store and the records of acts have.
    const kept = JSON.stringify([await store.members.members(), acts])
    for (const secret of [
      initial.password,
      PASSWORD,
      new URL(uri).searchParams.get('secret')!,
      ...done.recoveryCodes,
    ]) {
      expect(kept).not.toContain(secret)
    }
    expect(acts.map(({ action, outcome }) => `${action} ${outcome}`)).toEqual([
      'member.add ok',
      'member.grant ok',
      'member.login ok',
      'access.deny denied',
      'access.deny denied',
      'member.set-password denied',
      'member.set-password ok',
      'member.set-second-factor ok',
      'member.login denied',
      'member.login denied',
      'member.login ok',
      'member.login denied',
      'member.login ok',
      'member.login denied',
    ])
    expect(server.log()).not.toContain(PASSWORD)
  })

  it('has three days for its first login, and one as a viewer needs no second factor unless all do', async () => {
    const { server, clock, browser } = await setUp()
    const add = async (name: string) => {
      const body = JSON.stringify({ name, roles: [{ role: 'viewer' }] })
      const made = await server.admin('POST', '/v1/members', body, 'application/json')
      return ((await made.json()) as { initial: { password: string } }).initial.password
    }
    const [late, early] = [await add('late'), await add('early')]
    const logIn = (name: string, password: string) => browser().send('POST', '/v1/session', { name, password })
    expect(await (await logIn('early', early)).json()).toMatchObject({ todo: ['password'] })
    clock.advance(3 * DAY)
    expect((await logIn('late', late)).status).toBe(401)
    const strict = await setUp({ secondFactor: 'all' })
    const made = await strict.server.admin('POST', '/v1/members', '{"name":"v","roles":[]}', 'application/json')
    const { initial } = (await made.json()) as { initial: { password: string } }
    const first = await strict.browser().send('POST', '/v1/session', { name: 'v', password: initial.password })
    expect(await first.json()).toMatchObject({ todo: ['password', 'second-factor'] })
  })

  test.each(['mem_1', 'host', 'coordinator', 'rollout', 'anonymous', '', 'a b', 'ä', 'x'.repeat(101)])(
    'is not called "%s"',
    async (name) => {
      const { server, store } = await setUp()
      const made = await server.admin('POST', '/v1/members', JSON.stringify({ name, roles: [] }), 'application/json')
      expect(await failure(made)).toMatchObject({ status: 400, code: 'request.invalid' })
      expect(await store.members.members()).toEqual([])
    },
  )
})

describe('what admins do', () => {
  it('holds from the next request on', async () => {
    const { add, logIn, with_, clock } = await setUp({ fourEyes: [] })
    const [admin, op] = [await add(['admin']), await add(['viewer'])]
    const [boss, one] = [await logIn(admin), await logIn(op)]
    const path = `/v1/members/${op.record.id}`
    const stop = async () => (await one.send('POST', '/v1/runs/run_1/stop', { reason: 'x' })).status
    expect(await stop()).toBe(403)
    const until = new Date(clock.now() + 10 * MINUTE).toISOString()
    expect((await boss.send('PUT', `${path}/roles/operator`, { until })).status).toBe(200)
    expect(await stop()).toBe(200)
    const expiresAt = new Date(clock.now() + DAY).toISOString()
    const scopes = ['run.stop', 'run.read']
    const made = await one.send('POST', '/v1/tokens', { label: 'nightly', scopes, expiresAt })
    const { token } = (await made.json()) as { token: string }
    const program = with_(token)
    const programStops = async () => (await program('POST', '/v1/runs/run_1/stop', { reason: 'x' })).status
    expect([await programStops(), (await program('POST', '/v1/runs', {})).status]).toEqual([200, 403])
    clock.advance(10 * MINUTE)
    expect([await stop(), await programStops()]).toEqual([403, 403])
    await boss.send('PUT', `${path}/roles/operator`, {})
    expect([await stop(), await programStops()]).toEqual([200, 200])
    await boss.send('DELETE', `${path}/roles/operator`)
    expect([await stop(), await programStops()]).toEqual([403, 403])
    expect((await boss.send('POST', `${path}/disable`)).status).toBe(200)
    expect([await stop(), await programStops()]).toEqual([401, 401])
    // Sessions do not come back with the member; tokens do.
    await boss.send('POST', `${path}/enable`)
    expect([await stop(), (await program('GET', '/v1/runs')).status]).toEqual([401, 200])
  })

  it('ends sessions and holds tokens back where it resets what guards an account', async () => {
    const { add, logIn, with_, clock, browser } = await setUp()
    const [admin, op] = [await add(['admin']), await add(['operator'])]
    const [boss, one] = [await logIn(admin), await logIn(op)]
    const expiresAt = new Date(clock.now() + DAY).toISOString()
    const made = await one.send('POST', '/v1/tokens', { label: 'x', scopes: ['run.read'], expiresAt })
    const program = with_(((await made.json()) as { token: string }).token)
    const path = `/v1/members/${op.record.id}`
    const reset = await boss.send('POST', `${path}/reset-second-factor`)
    expect(await reset.json()).toMatchObject({ member: { secondFactor: false, recoveryCodesLeft: 0 } })
    expect([(await one.send('GET', '/v1/session')).status, (await program('GET', '/v1/runs')).status]).toEqual([
      401, 403,
    ])
    const { initial } = (await (await boss.send('POST', `${path}/reset-password`)).json()) as {
      initial: { password: string }
    }
    const logInWith = async (password: string) =>
      (await browser().send('POST', '/v1/session', { name: op.record.name, password })).status
    expect([await logInWith(PASSWORD), await logInWith(initial.password)]).toEqual([401, 200])
  })

  it('is not done for oneself', async () => {
    const { add, logIn, store } = await setUp({ fourEyes: [] })
    const admin = await add(['admin'])
    const boss = await logIn(admin)
    const path = `/v1/members/${admin.record.id}`
    for (const [method, what] of [
      ['PUT', '/roles/operator'],
      ['PUT', '/roles/admin'],
      ['POST', '/reset-password'],
      ['POST', '/reset-second-factor'],
      ['POST', '/enable'],
    ] as const) {
      expect(await failure(await boss.send(method, path + what, {}))).toMatchObject({ code: 'auth.forbidden' })
    }
    expect((await store.members.member(admin.record.id))?.grants.map(({ role }) => role)).toEqual(['admin'])
  })

  it('names members and roles that are there', async () => {
    const { add, logIn } = await setUp()
    const boss = await logIn(await add(['admin']))
    const other = await add([])
    const codeOf = async (method: string, path: string, body: object = {}) =>
      (await failure(await boss.send(method, path, method === 'GET' ? undefined : body))).code
    for (const path of ['', '/disable', '/reset-password']) {
      expect(await codeOf(path === '' ? 'GET' : 'POST', `/v1/members/mem_9${path}`)).toBe('object.not-found')
    }
    const roles = `/v1/members/${other.record.id}/roles`
    expect(await codeOf('PUT', `${roles}/root`)).toBe('request.invalid')
    expect(await codeOf('PUT', `${roles}/operator`, { until: '2020-01-01T00:00:00.000Z' })).toBe('request.invalid')
    expect(await codeOf('PUT', `${roles}/operator`, { until: 'tomorrow' })).toBe('request.invalid')
    expect(await codeOf('PUT', `/v1/members/mem_9/roles/admin`)).toBe('object.not-found')
    expect(await codeOf('POST', '/v1/members', { name: other.record.name, roles: [] })).toBe('member.name-taken')
    const twice = [{ role: 'viewer' }, { role: 'viewer' }]
    expect(await codeOf('POST', '/v1/members', { name: 'x', roles: twice })).toBe('request.invalid')
  })

  it('shows members without anything that proves who they are', async () => {
    const { add, logIn } = await setUp()
    const boss = await logIn(await add(['admin']))
    const text = await (await boss.send('GET', '/v1/members')).text()
    for (const word of ['hash', 'sealed', 'scrypt', '"password"']) expect(text).not.toContain(word)
  })
})

describe('a token', () => {
  it('is shown once, gives no more than its member has, and ends within a year', async () => {
    const { add, logIn, clock, store } = await setUp()
    const op = await add(['operator'])
    const one = await logIn(op)
    const at = (ms: number) => new Date(clock.now() + ms).toISOString()
    const create = (changes: object) =>
      one.send('POST', '/v1/tokens', { label: 'x', scopes: ['run.read'], expiresAt: at(DAY), ...changes })
    for (const [changes, code] of [
      [{ scopes: ['member.write'] }, 'auth.forbidden'],
      [{ scopes: ['run.read', 'version.approve'] }, 'auth.forbidden'],
      [{ scopes: ['self.write'] }, 'request.invalid'],
      [{ scopes: ['token.create'] }, 'request.invalid'],
      [{ scopes: [] }, 'request.invalid'],
      [{ scopes: ['everything'] }, 'request.invalid'],
      [{ expiresAt: at(0) }, 'request.invalid'],
      [{ expiresAt: at(367 * DAY) }, 'request.invalid'],
      [{ expiresAt: undefined }, 'request.invalid'],
      [{ label: ' ' }, 'request.invalid'],
    ] as const) {
      expect((await failure(await create(changes))).code).toBe(code)
    }
    expect(await store.members.tokens(op.record.id)).toEqual([])
    const made = await create({ expiresAt: at(366 * DAY) })
    const { token, id } = (await made.json()) as { token: string; id: string }
    expect([made.status, token]).toEqual([201, expect.stringMatching(new RegExp(`^parley_${id}_[0-9a-f]{64}$`))])
    const kept = JSON.stringify(await store.members.tokens(op.record.id))
    const listed = await (await one.send('GET', '/v1/tokens')).text()
    for (const text of [kept, listed]) expect(text).not.toContain(token.split('_')[2])
    expect(listed).not.toContain('hash')
  })

  it('makes no tokens, and changes nothing that guards its member', async () => {
    const { add, logIn, with_, clock } = await setUp()
    const one = await logIn(await add(['admin']))
    const expiresAt = new Date(clock.now() + DAY).toISOString()
    const made = await one.send('POST', '/v1/tokens', {
      label: 'x',
      scopes: ['member.read', 'member.write'],
      expiresAt,
    })
    const program = with_(((await made.json()) as { token: string }).token)
    for (const [method, path] of [
      ['POST', '/v1/tokens'],
      ['POST', '/v1/session/password'],
      ['POST', '/v1/session/second-factor'],
      ['POST', '/v1/session/second-factor/confirm'],
      ['DELETE', '/v1/sessions'],
    ] as const) {
      expect(await failure(await program(method, path))).toMatchObject({ status: 403, code: 'auth.forbidden' })
    }
    expect((await program('GET', '/v1/members')).status).toBe(200)
  })

  it('is revoked by its member or an admin, and says when it was used', async () => {
    const { add, logIn, with_, clock, acts } = await setUp()
    const [admin, op, other] = [await add(['admin']), await add(['operator']), await add(['operator'])]
    const [boss, one, two] = [await logIn(admin), await logIn(op), await logIn(other)]
    const expiresAt = new Date(clock.now() + DAY).toISOString()
    const create = async () => {
      const made = await one.send('POST', '/v1/tokens', { label: 'x', scopes: ['run.read'], expiresAt })
      return (await made.json()) as { token: string; id: string }
    }
    const [a, b] = [await create(), await create()]
    const status = async ({ token }: { token: string }) => (await with_(token)('GET', '/v1/runs')).status
    expect(await status(a)).toBe(200)
    const { tokens } = (await (await boss.send('GET', `/v1/members/${op.record.id}/tokens`)).json()) as {
      tokens: { id: string; lastUsedAt?: string }[]
    }
    expect(tokens.map(({ id, lastUsedAt }) => [id, lastUsedAt])).toEqual([
      [a.id, new Date(clock.now()).toISOString()],
      [b.id, undefined],
    ])
    expect(await failure(await two.send('DELETE', `/v1/tokens/${a.id}`))).toMatchObject({ code: 'object.not-found' })
    expect((await one.send('DELETE', `/v1/tokens/${a.id}`)).status).toBe(200)
    expect((await boss.send('DELETE', `/v1/members/${op.record.id}/tokens/${b.id}`)).status).toBe(200)
    expect([await status(a), await status(b)]).toEqual([401, 401])
    expect(
      acts.filter(({ action }) => action.startsWith('token.')).map(({ action, actor }) => [action, actor.id]),
    ).toEqual([
      ['token.create', op.record.id],
      ['token.create', op.record.id],
      ['token.revoke', op.record.id],
      ['token.revoke', admin.record.id],
    ])
  })
})
