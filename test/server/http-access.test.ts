/** The whole table of operations against everybody who may ask. */
import fc from 'fast-check'
import { fastify } from 'fastify'
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest'
import { guard } from '../../server/http/auth.ts'
import { type Operation, operations } from '../../server/http/operations.ts'
import type { People } from '../../server/members/people.ts'
import { permissions, type Role, rolePermissions, roles, scopes } from '../../server/members/permissions.ts'
import { silentLogger } from '../../server/observe/logger.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import type { Store } from '../../server/store/ports.ts'
import { ManualClock } from '../consumer/manual-clock.ts'
import { MemoryAudit } from '../support/audit.ts'
import { enrolmentHttpOf } from '../support/enrolment.ts'
import { addMember, peopleOf, type TestMember } from '../support/people.ts'
import { registryOf } from '../support/release.ts'
import { rolloutsOf } from '../support/rollout.ts'
import { publish, type Running, raw, releaseKey, running, TOKEN } from './http-fixtures.ts'

const alerts = { view: () => ({ firing: [], recent: [] }) }

const DAY = 86_400_000
const isoAt = (ms: number) => new Date(ms).toISOString()

let store: Store
let clock: ManualClock
let people: People
let server: Running
let victim: TestMember

beforeEach(async () => {
  store = memoryStore()
  clock = new ManualClock()
  people = peopleOf(store, { clock })
  const registry = registryOf(store, releaseKey)
  await publish(store, 1)
  await publish(store, 2)
  victim = await addMember(store, clock, ['viewer'])
  const rollouts = rolloutsOf(store, registry, clock)
  const enrolment = await enrolmentHttpOf(store)
  server = await running({ store, registry, people, clock, rollouts, enrolment, audit: new MemoryAudit(), alerts })
})

/** Streams that do not end by themselves; they are tested by their own tests. */
const isStream = ({ path }: Operation) => path === '/v1/models/:model/events'
const protectedOnes = operations.filter(({ access }) => access !== 'public')
const named = operations.filter((one) => !isStream(one)).map((one) => [`${one.method} ${one.path}`, one] as const)

/** Bodies with which each operation would do something. */
const bodies: Readonly<Record<string, string>> = {
  '/v1/runs': 'parley: 1',
  '/v1/models/:model/aliases/:alias': '{"version":1,"reason":"x"}',
  '/v1/models/:model/aliases/:alias/rollback': '{"reason":"x"}',
  '/v1/models/:model/versions/:number/state': '{"reason":"x","state":"deprecated"}',
  '/v1/garbage': '{"before":"2026-01-01T00:00:00Z","dryRun":false}',
  '/v1/runs/:id/stop': '{"reason":"x"}',
  '/v1/members': '{"name":"eve","roles":[{"role":"operator"}]}',
  '/v1/members/:id/roles/:role': '{}',
  '/v1/tokens': JSON.stringify({ label: 'x', scopes: ['self.read'], expiresAt: '2026-02-01T00:00:00.000Z' }),
}

function pathOf({ path }: Operation): string {
  return path
    .replace(/^\/v1\/members\/:id/, `/v1/members/${victim.record.id}`)
    .replace('/v1/runs/:id', '/v1/runs/run_1')
    .replace(':model', 'heart')
    .replace(':alias', 'production')
    .replace(/:(?:number|round)\b/g, '1')
    .replace(':role', 'operator')
    .replace(/:\w+/g, 'x')
    .replace('*', 'x')
}

function ask(operation: Operation, headers: Record<string, string>, method: string = operation.method) {
  const body = operation.method === 'GET' || operation.method === 'DELETE' ? undefined : bodies[operation.path]
  const type = operation.path === '/v1/runs' ? 'application/yaml' : 'application/json'
  return fetch(server.url + pathOf(operation), {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': type }) },
    ...(body === undefined ? {} : { body }),
  })
}

/** The code with which somebody was turned away; undefined for who got through. */
async function refusalOf(response: Response): Promise<string | undefined> {
  if (response.headers.get('content-type') === 'text/event-stream; charset=utf-8') {
    await response.body?.cancel()
    return undefined
  }
  const text = await response.text()
  const code = text.startsWith('{"error"') ? (JSON.parse(text) as { error: { code: string } }).error.code : undefined
  const turnedAway = code === 'auth.failed' || code === 'auth.forbidden' || code === 'auth.second-factor'
  if (turnedAway) expect(response.status).toBe(code === 'auth.failed' ? 401 : 403)
  return turnedAway ? code : undefined
}

/** All that a call could have changed. */
async function everything() {
  const { records, members } = store
  const all = await members.members()
  return JSON.stringify([
    await records.aliasHistory('heart'),
    await records.versionStates('heart'),
    await records.approvals('heart', 1),
    all,
    await Promise.all(all.map(({ id }) => members.tokens(id))),
    await members.requests(100),
    server.api.started,
    server.api.stopped,
    server.api.recomputed,
  ])
}

const cookieOf = async (member: TestMember) => ({
  cookie: `parley-session=${await member.session()}`,
  origin: server.url,
  'x-parley-request': '1',
})

/** Asks everything that is protected, and gives what was refused with which code. */
async function sweep(headersOf: () => Promise<Record<string, string>>): Promise<Map<string, string | undefined>> {
  const found = new Map<string, string | undefined>()
  for (const operation of protectedOnes) {
    found.set(`${operation.method} ${operation.path}`, await refusalOf(await ask(operation, await headersOf())))
  }
  return found
}

/** A token as the store has it, without asking anybody. */
async function tokenOf(member: TestMember, changes: { expiresAt?: number; revoked?: boolean } = {}) {
  const caller = (await people.ofSession(await member.session()))!
  const full = { ...caller, permissions: new Set(scopes) }
  const expiresAt = changes.expiresAt ?? clock.now() + DAY
  const { token, view } = await people.createToken(full, { label: 'x', scopes, expiresAt })
  if (changes.revoked === true) await people.revokeToken(caller, member.record.id, view.id)
  return { authorization: `Bearer ${token}` }
}

const mayOf = (role: Role, { access }: Operation) =>
  access === 'public' ||
  ['self.read', 'self.write', 'token.create'].includes(access) ||
  rolePermissions[role].some((one) => one === access)

describe('the table of operations', () => {
  it('names each permission that there is, and each permission belongs to somebody', () => {
    const used = new Set(protectedOnes.map(({ access }) => access))
    expect([...used].sort()).toEqual([...permissions].sort())
    const given = new Set(['self.read', 'self.write', 'token.create', ...Object.values(rolePermissions).flat()])
    expect([...given].sort()).toEqual([...permissions].sort())
  })

  it('lets auditors and viewers change nothing', () => {
    const changing = protectedOnes.filter(({ method }) => method !== 'GET').map(({ access }) => access)
    for (const role of ['auditor', 'viewer', 'client'] as const) {
      expect(rolePermissions[role].filter((one) => changing.includes(one))).toEqual([])
    }
    const reading = new Set(protectedOnes.filter(({ method }) => method === 'GET').map(({ access }) => access))
    expect([...reading].filter((one) => one !== 'self.read').sort()).toEqual([...rolePermissions.auditor].sort())
  })
})

describe('a call', () => {
  test.each(named)('%s gets through for exactly the roles that have its permission', async (_name, operation) => {
    const found: Record<string, boolean> = {}
    const expected: Record<string, boolean> = {}
    for (const role of roles) {
      const member = await addMember(store, clock, [role])
      const before = await everything()
      const refusal = await refusalOf(await ask(operation, await cookieOf(member)))
      found[role] = refusal === undefined
      expected[role] = mayOf(role, operation)
      if (refusal !== undefined) {
        expect(refusal).toBe('auth.forbidden')
        expect(await everything()).toBe(before)
      }
    }
    expect(found).toEqual(expected)
  })

  const nobodies: readonly (readonly [string, () => Promise<Record<string, string>>])[] = [
    ['nobody', async () => ({})],
    ['a wrong key', async () => ({ authorization: `Bearer ${TOKEN}x` })],
    ['a key that is only the beginning', async () => ({ authorization: `Bearer ${TOKEN.slice(0, -1)}` })],
    ['another scheme', async () => ({ authorization: `Basic ${btoa(`x:${TOKEN}`)}` })],
    [
      'a token that was never given',
      async () => ({ authorization: `Bearer parley_${'0'.repeat(16)}_${'0'.repeat(64)}` }),
    ],
    ['a cookie that was never given', async () => ({ cookie: `parley-session=${'A'.repeat(43)}` })],
    [
      'the cookie of a secure server',
      async () => ({ cookie: `__Host-parley=${await (await addMember(store, clock, ['admin'])).session()}` }),
    ],
    [
      'two cookies',
      async () => {
        const value = await (await addMember(store, clock, ['admin'])).session()
        return { cookie: `parley-session=${value}; parley-session=${value}` }
      },
    ],
    [
      'a wrong key beside a right cookie',
      async () => ({ ...(await cookieOf(await addMember(store, clock, roles))), authorization: 'Bearer x' }),
    ],
    [
      'a disabled member',
      async () => cookieOf(await addMember(store, clock, ['admin', 'operator'], { disabled: true })),
    ],
    [
      'a token of a disabled member',
      async () => {
        const member = await addMember(store, clock, roles)
        const headers = await tokenOf(member)
        await store.members.changeMember(member.record.id, (one) => ({ ...one, disabled: true }))
        return headers
      },
    ],
    ['a token that was revoked', async () => tokenOf(await addMember(store, clock, roles), { revoked: true })],
    [
      'a token that has ended',
      async () => {
        const headers = await tokenOf(await addMember(store, clock, roles), { expiresAt: clock.now() + 1 })
        clock.advance(1)
        return headers
      },
    ],
    [
      'a session that was idle',
      async () => {
        const headers = await cookieOf(await addMember(store, clock, roles))
        clock.advance(30 * 60_000)
        return headers
      },
    ],
  ]

  test.each(nobodies)('of %s is refused, whatever it asks, and changes nothing', async (_name, headersOf) => {
    const headers = await headersOf()
    const before = await everything()
    const found = await sweep(async () => headers)
    expect(new Set(found.values())).toEqual(new Set(['auth.failed']))
    expect(await everything()).toBe(before)
  })

  test.each(roles)('of %s whose time is over gets no further than to its own account', async (role) => {
    const member = await addMember(store, clock, [{ role, until: isoAt(clock.now() + 1_000) }])
    const before = await sweep(() => cookieOf(member))
    clock.advance(1_000)
    const own = ['self.read', 'self.write', 'token.create']
    for (const [operation, refusal] of await sweep(() => cookieOf(member))) {
      const { access } = operations.find(({ method, path }) => `${method} ${path}` === operation)!
      expect([operation, refusal]).toEqual([operation, own.includes(access) ? undefined : 'auth.forbidden'])
    }
    expect([...before.values()].filter((one) => one === undefined).length).toBeGreaterThanOrEqual(own.length)
  })

  test.each([
    ['a password of somebody else’s', { password: { hash: '', initialUntil: '2027-01-01T00:00:00.000Z' } }],
    ['no second factor', { secondFactor: undefined }],
  ])('of an admin with %s gets to what mends that, and no further', async (_name, { ...changes }) => {
    const member = await addMember(store, clock, ['admin'])
    await store.members.changeMember(member.record.id, ({ secondFactor, password, ...rest }) => ({
      ...rest,
      password: 'password' in changes ? { ...password, initialUntil: '2027-01-01T00:00:00.000Z' } : password,
      ...('secondFactor' in changes || secondFactor === undefined ? {} : { secondFactor }),
    }))
    for (const [operation, refusal] of await sweep(() => cookieOf(member))) {
      const { access } = operations.find(({ method, path }) => `${method} ${path}` === operation)!
      const fine = access === 'self.read' || access === 'self.write'
      expect([operation, refusal]).toEqual([operation, fine ? undefined : 'auth.second-factor'])
    }
    const headers = await tokenOf(member)
    const found = await sweep(async () => headers)
    const through = [...found].filter(([, refusal]) => refusal === undefined).map(([operation]) => operation)
    expect(through).toEqual(['GET /v1/session', 'GET /v1/tokens'])
  })

  it('with a token gets through for what is both in its scopes and in the roles of its member, now', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.subarray([...roles]),
        fc.subarray([...scopes], { minLength: 1 }),
        fc.constantFrom(...protectedOnes),
        async (held, given, operation) => {
          const member = await addMember(store, clock, held)
          const caller = (await people.ofSession(await member.session()))!
          const all = { ...caller, permissions: new Set(scopes) }
          const request = { label: 'x', scopes: given, expiresAt: clock.now() + DAY }
          const { token } = await people.createToken(all, request)
          const refusal = await refusalOf(await ask(operation, { authorization: `Bearer ${token}` }))
          const { access } = operation
          const may =
            access === 'self.read' ||
            (given.some((one) => one === access) &&
              held.some((role) => rolePermissions[role].some((one) => one === access)))
          expect([operation.path, refusal === undefined]).toEqual([operation.path, may])
        },
      ),
      { numRuns: 150 },
    )
  })

  it('with the key of the machine’s owner gets through for all but what a person has', async () => {
    for (const operation of protectedOnes) {
      const refusal = await refusalOf(await ask(operation, { authorization: `Bearer ${TOKEN}` }))
      const personal = operation.access === 'self.write' || operation.access === 'token.create'
      expect([operation.path, refusal]).toEqual([operation.path, personal ? 'auth.forbidden' : undefined])
    }
  })

  it('with that key is refused where it is switched off', async () => {
    server = await running({
      ...{ store, people, clock, enrolment: await enrolmentHttpOf(store) },
      ...{ audit: new MemoryAudit(), alerts, adminToken: undefined },
    } as object)
    const found = await sweep(async () => ({ authorization: `Bearer ${TOKEN}` }))
    // Without rollouts there is nothing at their address.
    expect(new Set([...found].filter(([name]) => !name.endsWith('/rollout')).map(([, one]) => one))).toEqual(
      new Set(['auth.failed']),
    )
  })
})

describe('the hook', () => {
  const apps: { close: () => Promise<void> }[] = []
  afterEach(async () => {
    for (const app of apps.splice(0)) await app.close()
  })

  it('lets nobody to a route that the table does not have', async () => {
    const app = fastify()
    apps.push(app)
    guard(app, { adminToken: TOKEN, logger: silentLogger })
    app.get('/v1/secret', async () => 'secret')
    app.route({ method: ['PUT', 'DELETE'], url: '/v1/runs', handler: async () => 'secret' })
    app.get('/v1/models', async () => 'public')
    for (const [method, url] of [
      ['GET', '/v1/secret'],
      ['HEAD', '/v1/secret'],
      ['PUT', '/v1/runs'],
      ['DELETE', '/v1/runs'],
    ] as const) {
      const known = await app.inject({ method, url, headers: { authorization: `Bearer ${TOKEN}` } })
      expect([url, known.statusCode]).toEqual([url, 500])
      expect(known.body).not.toContain('secret')
      expect((await app.inject({ method, url })).body).not.toContain('secret')
    }
    expect((await app.inject('/v1/models')).body).toBe('public')
  })

  it('is not got around by another way of writing a path or a method', async () => {
    const viewer = await tokenOf(await addMember(store, clock, ['viewer']))
    // Its use is written down, once in a while.
    await server.get('/v1/session', viewer)
    const before = await everything()
    const asked = protectedOnes.filter(({ access }) => !['run.read', 'self.read'].includes(access))
    for (const operation of asked) {
      const path = pathOf(operation)
      const first = path.codePointAt(4)!.toString(16)
      // What may be read at the same address may be read.
      const readable = operations.some(
        ({ path: at, access }) => at === operation.path && ['public', 'run.read', 'self.read'].includes(access),
      )
      for (const [method, other] of [
        [readable ? 'PATCH' : 'HEAD', path],
        ['OPTIONS', path],
        ['PATCH', path],
        ['TRACE', path],
        ['QUERY', path],
        [operation.method, `${path}/`],
        [operation.method, `/${path}`],
        [operation.method, path.toUpperCase()],
        [operation.method, path.replace('/v1/', '/V1/')],
        [operation.method, `/v1/%${first}${path.slice(5)}`],
        [operation.method, path.replace('/v1/', '/v1%2f')],
        [operation.method, `/v1/models/../${path.slice(4)}`],
        [operation.method, `/v1/models/%2e%2e/${path.slice(4)}`],
        [operation.method, `/healthz/..${path}`],
        [operation.method, `${path}?x=/healthz`],
        [operation.method, `${path};/healthz`],
        [operation.method, `${path}%00`],
        [operation.method, `http://127.0.0.1/healthz${path}`],
      ] as const) {
        for (const authorization of [undefined, viewer.authorization]) {
          const body = bodies[operation.path] ?? '{}'
          const type = operation.path === '/v1/runs' ? 'application/yaml' : 'application/json'
          const head = [
            `${method} ${other} HTTP/1.1`,
            'host: a',
            'connection: close',
            `content-type: ${type}`,
            'x-http-method-override: GET',
            ...(authorization === undefined ? [] : [`authorization: ${authorization}`]),
            `content-length: ${body.length}`,
          ]
          const answer = await raw(server.url, `${head.join('\r\n')}\r\n\r\n${body}`)
          expect([method, other, answer.slice(9, 12)]).toEqual([
            method,
            other,
            expect.stringMatching(/^(400|401|403|404|405)$/),
          ])
        }
      }
    }
    expect(await everything()).toBe(before)
  })
})
