/** Acts that take two people. */
import { describe, expect, it, test } from 'vitest'
import { approvalPayload } from '../../core/attestation/approval.ts'
import { dsseBytes, IN_TOTO_PAYLOAD_TYPE, signDsse } from '../../core/attestation/dsse.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { canonicalPlan } from '../../core/plan/parse.ts'
import { systemClock } from '../../core/system-clock.ts'
import { createAuthority, openAuthority } from '../../server/enrolment/authority.ts'
import { Enrolment } from '../../server/enrolment/enrolment.ts'
import type { Act } from '../../server/members/acts.ts'
import type { RequestView } from '../../server/members/four-eyes.ts'
import type { PeopleOptions } from '../../server/members/people.ts'
import { manifestIn } from '../../server/registry/published.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import { ManualClock } from '../consumer/manual-clock.ts'
import { addMember, peopleOf, type TestMember } from '../support/people.ts'
import { planOf } from '../support/plans.ts'
import { registryOf } from '../support/release.ts'
import { Started } from '../support/started.ts'
import { failure, publish, releaseKey, running, view } from './http-fixtures.ts'

const DAY = 86_400_000
const ALIAS = '/v1/models/heart/aliases/production'
const approverKey = nodeCrypto.signingKey(new Uint8Array(32).fill(3))

async function setUp(options: PeopleOptions = {}) {
  const store = memoryStore()
  const clock = new ManualClock()
  const acts: Act[] = []
  const people = peopleOf(store, { clock, acts, ...options })
  const registry = registryOf(store, releaseKey, { approvers: () => approverKey.publicKey })
  for (const round of [1, 2]) await publish(store, round)
  const enrolment = await Enrolment.open({
    crypto: nodeCrypto,
    records: store.enrolments,
    authority: await openAuthority(await createAuthority('Parley of test', clock.now())),
    now: () => clock.now(),
  })
  const addresses = () => ({ http: 'https://fl.example', carriers: ['wss://fl.example'] })
  const server = await running({ store, people, clock, registry, enrolment: { enrolment, addresses } })
  const as = async (member: TestMember) => {
    const cookie = `parley-session=${await member.session()}`
    return (method: string, path: string, body?: object) =>
      fetch(server.url + path, {
        method,
        headers: {
          cookie,
          origin: server.url,
          'x-parley-request': '1',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
  }
  const add = (roles: readonly string[]) => addMember(store, clock, roles)
  const version = async () => (await store.records.alias('heart', 'production'))?.version
  return { store, clock, acts, server, as, add, version }
}

const requestIn = async (response: Response) => ((await response.json()) as { request: RequestView }).request

describe('a promotion', () => {
  it('by one member waits for another one, and is then done once, by who asked', async () => {
    const { as, add, version, store, acts } = await setUp()
    const [one, two] = [await add(['operator']), await add(['approver'])]
    const [ann, bo] = [await as(one), await as(two)]
    const asked = await ann('POST', ALIAS, { version: 1, reason: 'better at sites' })
    expect(asked.status).toBe(202)
    const request = await requestIn(asked)
    expect(asked.headers.get('location')).toBe(`/v1/requests/${request.id}`)
    expect(request).toMatchObject({
      act: 'alias.promote',
      state: 'pending',
      requestedBy: one.record.id,
      body: { model: 'heart', alias: 'production', version: 1, reason: 'better at sites', expect: 2 },
    })
    expect(await version()).toBe(2)

    const { digest, id } = request
    const confirm = (who: typeof ann, given = digest) => who('POST', `/v1/requests/${id}/confirm`, { digest: given })
    expect(await failure(await confirm(ann))).toMatchObject({ status: 403, code: 'four-eyes.same-person' })
    expect(await failure(await confirm(bo, 'f'.repeat(64)))).toMatchObject({ status: 400, code: 'request.invalid' })
    expect(await version()).toBe(2)
    const both = await Promise.all([confirm(bo), confirm(bo)])
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409])
    const done = (await both.find(({ status }) => status === 200)!.json()) as { request: RequestView; result: object }
    expect(done).toMatchObject({
      request: { state: 'done', decidedBy: two.record.id },
      result: { version: 1, sequence: 3, actor: one.record.id },
    })
    expect(await store.records.aliasHistory('heart')).toHaveLength(3)
    expect(acts.map(({ action, actor, outcome }) => [action, actor.id, outcome])).toEqual([
      ['request.create', one.record.id, 'ok'],
      ['request.confirm', two.record.id, 'ok'],
    ])
    expect(await failure(await confirm(bo))).toMatchObject({ status: 409, code: 'four-eyes.over' })
  })

  it('holds for the state of the alias that was looked at', async () => {
    const { as, add, server, version } = await setUp()
    const [ann, bo] = [await as(await add(['operator'])), await as(await add(['operator']))]
    const { id, digest } = await requestIn(await ann('POST', ALIAS, { version: 1, reason: 'x' }))
    await server.admin('POST', `${ALIAS}/rollback`, '{"reason":"urgent"}', 'application/json')
    const late = await bo('POST', `/v1/requests/${id}/confirm`, { digest })
    expect(await failure(late)).toMatchObject({ status: 409, code: 'alias.conflict' })
    const shown = (await (await bo('GET', `/v1/requests/${id}`)).json()) as RequestView
    expect(shown).toMatchObject({ state: 'failed', code: 'alias.conflict' })
    expect(await version()).toBe(1)
  })

  it('is not confirmed by who lacks the right, after a week, or once whoever asked may not do it any more', async () => {
    const { as, add, version, clock, store } = await setUp()
    const one = await add(['operator'])
    const [ann, bo] = [await as(one), await as(await add(['operator']))]
    const admin = await as(await add(['admin']))
    const auditor = await as(await add(['auditor']))
    const ask = async () => requestIn(await ann('POST', ALIAS, { version: 1, reason: 'x' }))
    const { id, digest } = await ask()
    for (const who of [admin, auditor]) {
      expect(await failure(await who('POST', `/v1/requests/${id}/confirm`, { digest }))).toMatchObject({
        code: 'auth.forbidden',
      })
      expect(await failure(await who('POST', `/v1/requests/${id}/refuse`))).toMatchObject({ code: 'auth.forbidden' })
    }
    await store.members.changeMember(one.record.id, (member) => ({ ...member, grants: [] }))
    const gone = await bo('POST', `/v1/requests/${id}/confirm`, { digest })
    expect(await failure(gone)).toMatchObject({ code: 'auth.forbidden' })
    await store.members.changeMember(one.record.id, (member) => ({ ...member, grants: one.record.grants }))
    clock.advance(7 * DAY)
    const late = await as(await add(['operator']))
    expect(await failure(await late('POST', `/v1/requests/${id}/confirm`, { digest }))).toMatchObject({
      code: 'four-eyes.over',
    })
    expect(await (await late('GET', `/v1/requests/${id}`)).json()).toMatchObject({ state: 'expired' })
    expect(await version()).toBe(2)
  })

  it('is refused by another one, or taken back', async () => {
    const { as, add, version } = await setUp()
    const [ann, bo] = [await as(await add(['operator'])), await as(await add(['approver']))]
    const ask = async () => requestIn(await ann('POST', ALIAS, { version: 1, reason: 'x' }))
    for (const who of [ann, bo]) {
      const { id, digest } = await ask()
      expect(await requestIn(await who('POST', `/v1/requests/${id}/refuse`))).toMatchObject({ state: 'refused' })
      expect(await failure(await bo('POST', `/v1/requests/${id}/confirm`, { digest }))).toMatchObject({
        code: 'four-eyes.over',
      })
    }
    const { requests } = (await (await bo('GET', '/v1/requests')).json()) as { requests: RequestView[] }
    expect(requests.map(({ state }) => state)).toEqual(['refused', 'refused'])
    expect(await version()).toBe(2)
  })

  it('of a version that is not there is refused at once', async () => {
    const { as, add, store } = await setUp()
    const ann = await as(await add(['operator']))
    expect(await failure(await ann('POST', ALIAS, { version: 9, reason: 'x' }))).toMatchObject({
      code: 'object.not-found',
    })
    expect(await store.members.requests(10)).toEqual([])
  })

  it('needs no request where approvals cover it', async () => {
    const store = memoryStore()
    await publish(store, 1)
    const started = await Started.create({ store, approvalsNeeded: 1 })
    const one = await addMember(store, systemClock, ['operator'])
    const { http: url } = started.running.urls
    const answer = await fetch(`${url}${ALIAS}`, {
      method: 'POST',
      headers: {
        cookie: `parley-session=${await one.session()}`,
        origin: url,
        'x-parley-request': '1',
        'content-type': 'application/json',
      },
      body: '{"version":1,"reason":"x"}',
    })
    expect(await failure(answer)).toMatchObject({ status: 412, code: 'approval.missing' })
    await started.stop()
  })

  it('is done at once where one is enough, and by the key of the machine’s owner', async () => {
    const { as, add, version, store } = await setUp({ fourEyes: [] })
    const one = await add(['operator'])
    const ann = await as(one)
    expect((await ann('POST', ALIAS, { version: 1, reason: 'x' })).status).toBe(200)
    expect(await version()).toBe(1)
    expect((await store.records.alias('heart', 'production'))?.actor).toBe(one.record.id)
    const strict = await setUp()
    const body = '{"version":1,"reason":"x"}'
    expect((await strict.server.admin('POST', ALIAS, body, 'application/json')).status).toBe(200)
    expect(await strict.store.records.alias('heart', 'production')).toMatchObject({ version: 1, actor: 'host' })
  })
})

describe('the role of an admin', () => {
  it('is given by two, neither of whom gains by it', async () => {
    const { as, add, store } = await setUp()
    const [a, b, c] = [await add(['admin']), await add(['admin']), await add(['viewer'])]
    const [ann, bo] = [await as(a), await as(b)]
    const path = (of: TestMember) => `/v1/members/${of.record.id}/roles/admin`
    const asked = await ann('PUT', path(c), {})
    expect(asked.status).toBe(202)
    const { id, digest } = await requestIn(asked)
    const cy = await as(c)
    expect(await failure(await cy('POST', `/v1/requests/${id}/confirm`, { digest }))).toMatchObject({
      code: 'auth.forbidden',
    })
    expect((await bo('POST', `/v1/requests/${id}/confirm`, { digest })).status).toBe(200)
    const grants = (await store.members.member(c.record.id))!.grants
    expect(grants.map(({ role, by }) => [role, by])).toEqual([
      ['viewer', 'host'],
      ['admin', a.record.id],
    ])
    // Of the one whom it is about, two others are needed.
    const longer = await requestIn(await ann('PUT', path(b), {}))
    const own = await bo('POST', `/v1/requests/${longer.id}/confirm`, { digest: longer.digest })
    expect(await failure(own)).toMatchObject({ code: 'four-eyes.same-person' })
  })

  it('comes with a new member only after a second one has confirmed it', async () => {
    const { as, add, store } = await setUp()
    const ann = await as(await add(['admin']))
    const made = await ann('POST', '/v1/members', { name: 'new', roles: [{ role: 'admin' }, { role: 'viewer' }] })
    const { member, request } = (await made.json()) as { member: { id: string }; request: RequestView }
    expect([made.status, request.act]).toEqual([201, 'member.grant-admin'])
    expect((await store.members.member(member.id))?.grants.map(({ role }) => role)).toEqual(['viewer'])
  })
})

describe('the start of a run', () => {
  const yaml = async (url: string, member: TestMember, plan: string) =>
    fetch(`${url}/v1/runs`, {
      method: 'POST',
      headers: {
        cookie: `parley-session=${await member.session()}`,
        origin: url,
        'x-parley-request': '1',
        'content-type': 'application/yaml',
      },
      body: plan,
    })

  it('takes two where it is set, and one else', async () => {
    const plan = canonicalPlan(planOf({ inputs: 3 }))
    const usual = await setUp()
    expect((await yaml(usual.server.url, await usual.add(['operator']), 'parley: 1')).status).toBe(201)
    const { add, as, server } = await setUp({ fourEyes: ['run.start'] })
    const [one, two] = [await add(['operator']), await add(['approver'])]
    expect(await failure(await yaml(server.url, one, 'parley: 1'))).toMatchObject({ code: 'plan.invalid' })
    const asked = await yaml(server.url, one, plan)
    expect(asked.status).toBe(202)
    const { id, digest } = await requestIn(asked)
    expect(server.api.started).toEqual([])
    const bo = await as(two)
    // A plan that is long is looked at by itself.
    const long = await requestIn(await yaml(server.url, one, `${plan}${' '.repeat(5_000)}`))
    const { requests } = (await (await bo('GET', '/v1/requests')).json()) as { requests: RequestView[] }
    expect(requests.map((request) => [request.id, 'body' in request])).toEqual([
      [long.id, false],
      [id, true],
    ])
    expect(await (await bo('GET', `/v1/requests/${id}`)).json()).toMatchObject({ body: { plan } })
    server.api.startRun = async (text) => {
      server.api.started.push(text)
      return view('run_new')
    }
    const done = (await (await bo('POST', `/v1/requests/${id}/confirm`, { digest })).json()) as object
    expect(done).toMatchObject({ request: { state: 'done' }, result: { run: 'run_new' } })
    expect(server.api.started).toEqual([plan])
  })
})

describe('putting clients out', () => {
  const invite = async (ann: Awaited<ReturnType<Awaited<ReturnType<typeof setUp>>['as']>>) => {
    for (const client of ['a', 'b']) expect((await ann('POST', '/v1/clients', { client })).status).toBe(201)
  }
  const states = async (ann: (method: string, path: string) => Promise<Response>) =>
    ((await (await ann('GET', '/v1/clients')).json()) as { clients: { state: string }[] }).clients.map(
      ({ state }) => state,
    )
  const reason = 'the key of the authority was seen elsewhere'

  it('one at a time takes one person, so that it is quick; all of them take two', async () => {
    const { as, add } = await setUp()
    const [one, two, three] = [await add(['operator']), await add(['operator']), await add(['approver'])]
    const [ann, bo, cleo] = [await as(one), await as(two), await as(three)]
    await invite(ann)
    const asked = await ann('POST', '/v1/clients/revoke-all', { reason })
    expect(asked.status).toBe(202)
    const { id, digest } = await requestIn(asked)
    expect(await states(ann)).toEqual(['invited', 'invited'])
    const confirm = (who: typeof ann) => who('POST', `/v1/requests/${id}/confirm`, { digest })
    expect(await failure(await confirm(ann))).toMatchObject({ code: 'four-eyes.same-person' })
    expect(await failure(await confirm(cleo))).toMatchObject({ status: 403, code: 'auth.forbidden' })
    expect(await (await confirm(bo)).json()).toMatchObject({ result: { revoked: ['a', 'b'] } })
    expect(await states(ann)).toEqual(['revoked', 'revoked'])
  })

  it('one at a time takes two where it is set', async () => {
    const { as, add } = await setUp({ fourEyes: ['client.revoke'] })
    const [ann, bo] = [await as(await add(['operator'])), await as(await add(['operator']))]
    await invite(ann)
    const asked = await ann('POST', '/v1/clients/a/revoke', { reason })
    expect(asked.status).toBe(202)
    expect(await states(ann)).toEqual(['invited', 'invited'])
    const { id, digest } = await requestIn(asked)
    expect((await bo('POST', `/v1/requests/${id}/confirm`, { digest })).status).toBe(200)
    expect(await states(ann)).toEqual(['revoked', 'invited'])
    expect(await (await ann('POST', '/v1/clients/revoke-all', { reason })).json()).toEqual({ revoked: ['b'] })
  })
})

describe('an actor', () => {
  test.each([
    [ALIAS, { version: 1, reason: 'x' }],
    [`${ALIAS}/rollback`, { reason: 'x' }],
    ['/v1/models/heart/versions/1/state', { reason: 'x', state: 'deprecated' }],
  ])('of %s is who is authenticated, and nobody else', async (path, body) => {
    const { as, add, server, store } = await setUp({ fourEyes: [] })
    const one = await add(['operator'])
    const ann = await as(one)
    for (const actor of ['host', 'operator', one.record.name, 'mem_0']) {
      expect(await failure(await ann('POST', path, { ...body, actor }))).toMatchObject({
        status: 403,
        code: 'auth.identity-mismatch',
      })
    }
    const admin = JSON.stringify({ ...body, actor: one.record.id })
    expect(await failure(await server.admin('POST', path, admin, 'application/json'))).toMatchObject({
      code: 'auth.identity-mismatch',
    })
    expect((await ann('POST', path, { ...body, actor: one.record.id })).status).toBe(200)
    const said = [...(await store.records.aliasHistory('heart')), ...(await store.records.versionStates('heart'))]
    expect(said.at(-1)?.actor).toBe(one.record.id)
  })

  it('brings its own approval, and nobody else’s', async () => {
    const { add, server, store } = await setUp()
    const one = await add(['approver'])
    const { root, model } = manifestIn((await store.records.version('heart', 1))!.envelope)
    const approve = async (member: string) => {
      const at = '2026-01-01T00:00:00Z'
      const properties = ['PARLEY_RELEASE_APPROVED' as const]
      const payload = approvalPayload({ model, root, member, policy: 'a'.repeat(64), at, properties })
      const envelope = dsseBytes(await signDsse(approverKey, IN_TOTO_PAYLOAD_TYPE, payload))
      return fetch(`${server.url}/v1/models/heart/versions/1/approvals`, {
        method: 'POST',
        headers: {
          cookie: `parley-session=${await one.session()}`,
          origin: server.url,
          'x-parley-request': '1',
          'content-type': 'application/vnd.dsse.envelope.v1+json',
        },
        body: Uint8Array.from(envelope),
      })
    }
    expect(await failure(await approve('somebody'))).toMatchObject({ code: 'auth.identity-mismatch' })
    expect(await store.records.approvals('heart', 1)).toEqual([])
    expect((await approve(one.record.name)).status).toBe(200)
    expect((await store.records.approvals('heart', 1)).map(({ member }) => member)).toEqual([one.record.name])
  })
})
