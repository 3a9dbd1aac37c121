import { describe, expect, it } from 'vitest'
import { auditedApi } from '../../server/http/audited-api.ts'
import { AuditedRegistry } from '../../server/registry/audited-registry.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import { MemoryAudit } from '../support/audit.ts'
import { candidateIn, publishDeps } from '../support/release.ts'
import { FakeApi, failure, releaseKey, running, TOKEN } from './http-fixtures.ts'

const bearer = { authorization: `Bearer ${TOKEN}` }

async function audited() {
  const audit = new MemoryAudit()
  const store = memoryStore()
  const deps = { ...publishDeps(store, releaseKey, () => Date.UTC(2026, 0, 1)), records: store.records }
  const registry = new AuditedRegistry({ ...deps, approvers: () => undefined, approvalsNeeded: 0 }, audit)
  const fake = new FakeApi()
  const server = await running({ audit, registry, store, api: auditedApi(fake, audit) })
  const json = (path: string, body: object) => server.admin('POST', path, JSON.stringify(body), 'application/json')
  return { ...server, audit, registry, store, fake, json }
}

describe('the audit log over HTTP', () => {
  it('is read by bearers of the admin token, in parts, and that is recorded', async () => {
    const { audit, get, url } = await audited()
    for (const id of ['a', 'b', 'c']) {
      await audit.append({ action: 'client.connect', actor: { kind: 'client', id }, object: { kind: 'client', id } })
    }
    const response = await get('/v1/audit?from=1&limit=2', bearer)
    expect(response.headers.get('content-type')).toBe('application/x-ndjson')
    const lines = (await response.text())
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object)
    expect(lines).toMatchObject([{ actor: { id: 'b' } }, { actor: { id: 'c' } }])
    expect(audit.entries.at(-1)).toMatchObject({ action: 'audit.read', details: { from: 1, limit: 2 } })
    for (const query of ['from=-1', 'limit=0', 'limit=100001', 'from=x', 'what=1']) {
      expect(await failure(await get(`/v1/audit?${query}`, bearer))).toMatchObject({ code: 'request.invalid' })
    }
    const key = await (await fetch(`${url}/v1/audit/key`)).json()
    expect(key).toEqual({ federation: 'fed_test', publicKey: '05'.repeat(32) })
  })

  it('records who came without the token, and no more than 60 of them in a minute', async () => {
    const { audit, get } = await audited()
    for (let i = 0; i < 70; i++) expect((await get('/v1/runs')).status).toBe(401)
    expect(audit.entries).toHaveLength(60)
    expect(audit.entries[0]).toMatchObject({
      action: 'access.refuse',
      object: { kind: 'address', id: '127.0.0.1' },
      outcome: 'denied',
      code: 'auth.failed',
      details: { method: 'GET', route: '/v1/runs' },
    })
  })

  it('has what operators do with runs before it is done', async () => {
    const { audit, admin, json, fake } = await audited()
    expect((await admin('POST', '/v1/runs', 'parley: 1')).status).toBe(201)
    expect((await json('/v1/runs/run_1/stop', { reason: 'enough' })).status).toBe(200)
    expect((await json('/v1/runs/run_1/pause', { reason: 'a question' })).status).toBe(200)
    expect((await json('/v1/runs/run_1/resume', { reason: 'answered' })).status).toBe(200)
    expect((await json('/v1/runs/run_1/rounds/2/recompute', {})).status).toBe(200)
    expect((await admin('POST', '/v1/runs', 'no plan')).status).toBe(400)
    expect(audit.entries).toMatchObject([
      { action: 'request.take', object: { kind: 'plan' }, details: { action: 'run.start' } },
      {
        action: 'request.take',
        object: { kind: 'run', id: 'run_1' },
        details: { action: 'run.end', reason: 'enough' },
      },
      { action: 'request.take', details: { action: 'run.pause', reason: 'a question' } },
      { action: 'run.pause', object: { kind: 'run', id: 'run_1' }, details: { request: 2 } },
      { action: 'request.take', details: { action: 'run.resume', reason: 'answered' } },
      { action: 'run.resume', object: { kind: 'run', id: 'run_1' }, details: { request: 4 } },
      { action: 'request.take', object: { kind: 'round', id: 'run_1/2' } },
      { action: 'round.recompute', details: { identical: false, without: 0, request: 6 } },
      { action: 'request.take' },
      { action: 'request.fail', outcome: 'failed', code: 'plan.invalid' },
    ])
    audit.failing = true
    const refused = await failure(await admin('POST', '/v1/runs', 'parley: 1'))
    expect(refused).toMatchObject({ status: 503, code: 'audit.unavailable' })
    expect(fake.started).toHaveLength(1)
  })
})

describe('what is done with versions', () => {
  it('is on record: publication with a checkpoint, moves, states, garbage', async () => {
    const { audit, registry, store, json } = await audited()
    await registry.publish(await candidateIn(store, 1), 'production')
    await registry.publish(await candidateIn(store, 2), 'production')
    expect(audit.actions).toEqual(['model.publish', 'alias.move', 'model.publish', 'alias.move'])
    expect(audit.checkpoints).toBe(2)
    expect(audit.entries[2]).toMatchObject({ object: { kind: 'version', id: 'heart/2' }, details: { round: 2 } })
    expect(audit.entries[3]).toMatchObject({ object: { id: 'heart@production' }, details: { version: 2, sequence: 2 } })
    audit.entries.length = 0
    const eve = { reason: 'it drifted' }
    expect((await json('/v1/models/heart/aliases/production/rollback', eve)).status).toBe(200)
    expect((await json('/v1/models/heart/aliases/staging', { ...eve, version: 2 })).status).toBe(200)
    expect((await json('/v1/models/heart/aliases/staging', { ...eve, version: 9 })).status).toBe(404)
    expect((await json('/v1/models/heart/versions/1/state', { ...eve, state: 'withdrawn' })).status).toBe(409)
    expect((await json('/v1/models/heart/versions/1/state', { ...eve, state: 'deprecated' })).status).toBe(200)
    expect((await json('/v1/garbage', { before: '2026-01-01T00:00:00Z', dryRun: true })).status).toBe(200)
    const actor = { kind: 'system', id: 'host' }
    expect(audit.entries).toMatchObject([
      { action: 'request.take', actor, details: { action: 'alias.move', back: true } },
      { action: 'alias.move', actor, details: { version: 1, sequence: 3, reason: 'it drifted', request: 0 } },
      { action: 'request.take', actor },
      { action: 'alias.move', actor, object: { id: 'heart@staging' }, details: { version: 2 } },
      { action: 'request.take', actor },
      { action: 'request.fail', actor, code: 'run.conflict' },
      { action: 'request.take', actor },
      { action: 'model.deprecate', actor, object: { id: 'heart/1' } },
      { action: 'request.take' },
      { action: 'garbage.collect', details: { removed: false } },
    ])
  })

  it('has approvals that were refused', async () => {
    const { audit, registry, store, admin } = await audited()
    await registry.publish(await candidateIn(store, 1), 'production')
    const path = '/v1/models/heart/versions/1/approvals'
    const answer = await admin('POST', path, '{}', 'application/vnd.dsse.envelope.v1+json')
    expect(await failure(answer)).toMatchObject({ code: 'approval.invalid' })
    expect(audit.entries.slice(-2)).toMatchObject([
      { action: 'request.take', object: { kind: 'version', id: 'heart/1' }, details: { action: 'model.approve' } },
      { action: 'request.fail', outcome: 'denied', code: 'approval.invalid' },
    ])
  })

  it('is not done without its record', async () => {
    const { audit, registry, store, json } = await audited()
    await registry.publish(await candidateIn(store, 1), 'production')
    audit.failing = true
    const unavailable = { status: 503, code: 'audit.unavailable' }
    const asked = { reason: 'why not', version: 1 }
    expect(await failure(await json('/v1/models/heart/aliases/staging', asked))).toMatchObject(unavailable)
    expect(await failure(await json('/v1/garbage', { before: '2026-01-01T00:00:00Z', dryRun: false }))).toMatchObject(
      unavailable,
    )
    await expect(registry.publish(await candidateIn(store, 2), 'production')).rejects.toMatchObject({
      code: 'audit.unavailable',
    })
    await expect(registry.renew()).rejects.toMatchObject({ code: 'audit.unavailable' })
    expect(await store.records.alias('heart', 'staging')).toBeUndefined()
    expect(await store.records.versions('heart')).toHaveLength(1)
  })

  it('renews aliases on record', async () => {
    const audit = new MemoryAudit()
    const store = memoryStore()
    let now = Date.UTC(2026, 0, 1)
    const deps = { ...publishDeps(store, releaseKey, () => now), records: store.records }
    const registry = new AuditedRegistry({ ...deps, approvers: () => undefined, approvalsNeeded: 0 }, audit)
    await registry.publish(await candidateIn(store, 1), 'production')
    now += 20 * 24 * 60 * 60_000
    expect(await registry.renew()).toBe(1)
    expect(audit.entries.at(-1)).toMatchObject({ action: 'alias.move', details: { sequence: 2, version: 1 } })
  })
})
