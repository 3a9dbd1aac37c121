/** Evidence over HTTP: who may take it, what is asked for, and what a crash left out of the log. */
import { describe, expect, it } from 'vitest'
import { collectFacts } from '../../server/audit/recorded-facts.ts'
import { AuditedRegistry } from '../../server/registry/audited-registry.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import { MemoryAudit } from '../support/audit.ts'
import { candidateIn, publishDeps } from '../support/release.ts'
import { failure, releaseKey, running, TOKEN } from './http-fixtures.ts'

const bearer = { authorization: `Bearer ${TOKEN}` }

function audited(store = memoryStore()) {
  const audit = new MemoryAudit()
  const deps = { ...publishDeps(store, releaseKey, () => Date.UTC(2026, 0, 1)), records: store.records }
  const registry = new AuditedRegistry({ ...deps, approvers: () => undefined, approvalsNeeded: 0 }, audit)
  return { audit, store, registry }
}

describe('evidence over HTTP', () => {
  it('is for who has evidence.export, is a tar file, and is on record before it leaves', async () => {
    const { audit, store, registry } = audited()
    await registry.publish(await candidateIn(store, 1), 'production')
    const { get } = await running({ audit, store, registry })
    expect(await failure(await get('/v1/evidence?all=true'))).toMatchObject({ status: 401, code: 'auth.failed' })
    audit.entries.length = 0
    const response = await get('/v1/evidence?version=heart/1', bearer)
    expect(response.headers.get('content-type')).toBe('application/x-tar')
    expect((await response.arrayBuffer()).byteLength % 512).toBe(0)
    expect(audit.entries).toMatchObject([
      {
        action: 'evidence.export',
        actor: { id: 'host' },
        object: { kind: 'evidence' },
        details: { versions: 1, all: false },
      },
    ])
    audit.failing = true
    expect(await failure(await get('/v1/evidence?all=true', bearer))).toMatchObject({ code: 'audit.unavailable' })
  })

  it.each([
    'version=heart',
    'version=../1',
    'version=heart/0',
    'version=heart/1&all=true',
    'all=yes',
    'client=..%2F',
    'what=1',
    Array.from({ length: 101 }, (_, i) => `version=heart/${i + 1}`).join('&'),
  ])('refuses %s', async (query) => {
    const { get } = await running({ audit: new MemoryAudit() })
    expect(await failure(await get(`/v1/evidence?${query}`, bearer))).toMatchObject({ code: 'request.invalid' })
  })

  it('says which version is not there, and records nothing', async () => {
    const audit = new MemoryAudit()
    const { get } = await running({ audit })
    const answer = await failure(await get('/v1/evidence?version=heart/7', bearer))
    expect(answer).toMatchObject({ code: 'object.not-found', message: 'there is no version heart/7' })
    expect(audit.entries).toEqual([])
  })

  it('is of one moment: what moves meanwhile makes it begin anew', async () => {
    const { audit, store, registry } = audited()
    await registry.publish(await candidateIn(store, 1), 'production')
    const { get } = await running({ audit, store, registry })
    const append = audit.append.bind(audit)
    let moved = false
    audit.append = async (entry) => {
      const seq = await append(entry)
      if (entry.action !== 'evidence.export' || moved) return seq
      moved = true
      await registry.promote({ model: 'heart', alias: 'staging', number: 1, reason: 'meanwhile', actor: 'host' })
      return seq
    }
    const text = await (await get('/v1/evidence?all=true', bearer)).text()
    expect(audit.actions.filter((action) => action === 'evidence.export')).toHaveLength(2)
    expect(text).toContain(audit.entries.at(-1)?.object.id)
  })
})

describe('what the store has and the log lacks', () => {
  it('is recorded at the start, once', async () => {
    const { audit, store, registry } = audited()
    await registry.publish(await candidateIn(store, 1), 'production')
    await registry.promote({ model: 'heart', alias: 'staging', number: 1, reason: 'try it', actor: 'm_1' })
    const whole = [...audit.entries]
    const after = audited(store)
    await after.registry.recordLate(new Set())
    const version = { kind: 'version', id: 'heart/1' }
    expect(after.audit.entries).toMatchObject([
      { action: 'model.publish', object: version, details: { run: 'run_1', round: 1, late: true } },
      { action: 'alias.move', actor: { kind: 'system' }, details: { version: 1, sequence: 1, late: true } },
      { action: 'alias.move', actor: { kind: 'member', id: 'm_1' }, details: { version: 1, sequence: 1, late: true } },
    ])
    for (const entries of [whole, after.audit.entries]) {
      const { facts, seen } = collectFacts()
      for (const [seq, { outcome = 'ok', details, ...entry }] of entries.entries()) {
        const kept = Object.fromEntries(
          Object.entries(details ?? {}).flatMap(([k, v]) => (v === undefined ? [] : [[k, v]])),
        )
        const { code: _, ...rest } = entry
        seen({ ...rest, outcome, details: kept, seq, at: '', salt: '', v: 1 })
      }
      const later = audited(store)
      await later.registry.recordLate(facts)
      expect(later.audit.entries).toEqual([])
    }
  })
})
