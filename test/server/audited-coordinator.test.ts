/** A coordinator with its audit log in a folder, as a program starts it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AuditLog, queryFolder, verifyFolder } from '../../audit/index.ts'
import type { AuditFilter } from '../../core/audit/filter.ts'
import type { AuditRecord } from '../../core/audit/record.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { toHex } from '../../core/encoding/bytes.ts'
import type { ParleyError } from '../../core/errors/index.ts'
import { systemClock } from '../../core/system-clock.ts'
import { collectFacts } from '../../server/audit/recorded-facts.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import type { Store } from '../../server/store/ports.ts'
import { auditKey } from '../audit/fixtures.ts'
import { MemoryAudit } from '../support/audit.ts'
import { addingTrainer, coordinatorKey, Federation } from '../support/federation.ts'
import { planText } from '../support/plans.ts'
import { adminToken, Started } from '../support/started.ts'

let folder: string
const stops: (() => Promise<void>)[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-audited-'))
})
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
  await rm(folder, { recursive: true, force: true })
})

async function open() {
  const { facts, seen } = collectFacts()
  const federation = toHex(coordinatorKey.publicKey)
  const log = await AuditLog.open(folder, { federation, key: auditKey, crypto: nodeCrypto, clock: systemClock, seen })
  return { log, facts }
}

async function started(store: Store = memoryStore()): Promise<Started> {
  const one = await Started.create({ store: { ...store, close: async () => {} }, audit: await open() })
  stops.push(() => one.stop())
  return one
}

async function records(filter: AuditFilter = {}): Promise<AuditRecord[]> {
  const found: AuditRecord[] = []
  for await (const record of queryFolder(folder, filter)) found.push(record)
  return found
}

const named = (found: readonly AuditRecord[]) => found.map(({ action, object }) => `${action} ${object.id}`)

async function published(one: Started): Promise<string> {
  one.addClient('a', 'ws', addingTrainer(1))
  one.addClient('b', 'grpc', addingTrainer(3))
  const { run } = await one.running.api.startRun(planText({ rounds: 2 }))
  await one.view(run)
  return run
}

describe('a coordinator with a log', () => {
  test('has a run in it from its start to its version, in order, and under a checkpoint', async () => {
    const one = await started()
    const run = await published(one)
    await one.stop()
    const found = await records({ object: run })
    const round = (round: number) => [
      `round.open ${run}/${round}`,
      `update.accept ${run}/${round}`,
      `update.accept ${run}/${round}`,
      `evaluation.open ${run}/${round}`,
      `round.close ${run}/${round}`,
    ]
    const evaluations = found.filter(({ action }) => action === 'evaluation.accept')
    expect(named(evaluations).sort()).toEqual([1, 1, 2, 2].map((n) => `evaluation.accept ${run}/${n}`))
    expect(evaluations[0]).toMatchObject({ actor: { kind: 'client' }, details: { sha256: expect.any(String) } })
    expect(named(found.filter((one) => !evaluations.includes(one)))).toEqual([
      `run.start ${run}`,
      ...round(1),
      ...round(2),
      expect.stringContaining('model.candidate'),
      expect.stringContaining('gate.decide'),
      `run.end ${run}`,
    ])
    expect(found[1]?.details).toMatchObject({ clients: 2, cohort: 'a b' })
    expect(found[2]).toMatchObject({ actor: { kind: 'client' }, outcome: 'ok', details: { bytes: expect.any(Number) } })
    const all = await records()
    expect(named(all).filter((one) => /^(model.publish|alias.move|coordinator)/.test(one))).toEqual([
      'coordinator.start coordinator',
      'model.publish tiny/1',
      'alias.move tiny@production',
      'coordinator.stop coordinator',
    ])
    expect(new Set(named(await records({ action: 'client' })))).toEqual(
      new Set(['client.connect a', 'client.connect b']),
    )
    const report = await verifyFolder(nodeCrypto, folder, { publicKey: auditKey.publicKey })
    expect(report).toMatchObject({ records: all.length, covered: all.length - 1 })
    expect(report.problem).toBeUndefined()
  })

  test('tells nobody of an update that is not on record', async () => {
    const audit = new MemoryAudit()
    const sink = {
      append: (...args: Parameters<MemoryAudit['append']>) => audit.append(...args),
      checkpoint: async () => {},
      settled: () => settled(),
    }
    let settled = () => Promise.resolve()
    const federation = new Federation({ audit: { sink, facts: new Set() } })
    stops.push(() => federation.stop())
    await federation.coordinator.start()
    const { run } = await federation.coordinator.startRun(planText({ rounds: 1, count: { min: 2, max: 2 } }))
    let waiting = 0
    let release = () => {}
    const disk = new Promise<void>((resolve) => {
      release = resolve
    })
    settled = () => {
      waiting++
      return disk
    }
    const { events } = federation.addClient('a', addingTrainer(1))
    federation.addClient('b', addingTrainer(1))
    await federation.next('decided')
    await expect.poll(() => waiting).toBeGreaterThan(0)
    expect(events.some(({ type }) => type === 'receipt')).toBe(false)
    release()
    await federation.view(run)
    expect(events.some(({ type }) => type === 'receipt')).toBe(true)
  })

  test('records who is refused, with the code', async () => {
    const one = await started()
    one.addClient('stranger', 'ws', addingTrainer(1))
    await expect.poll(async () => (await records({ action: 'client.refuse' })).length).toBeGreaterThan(0)
    expect((await records({ action: 'client.refuse' }))[0]).toMatchObject({ outcome: 'denied', code: 'auth.failed' })
    await fetch(`${one.running.urls.http}/v1/runs`)
    expect(await records({ action: 'access' })).toMatchObject([{ action: 'access.refuse' }])
    const body = JSON.stringify({ payload: '', payloadType: 'x', signatures: [{ sig: 'AA==' }] })
    const headers = { 'content-type': 'application/vnd.dsse.envelope.v1+json' }
    await fetch(`${one.running.urls.http}/v1/models/tiny/outcomes`, { method: 'POST', headers, body })
    expect(await records({ action: 'outcomes' })).toMatchObject([{ code: 'outcomes.invalid', object: { id: 'tiny' } }])
  })

  test('is read over HTTP, and verifies as it was read', async () => {
    const one = await started()
    const run = await published(one)
    const headers = { authorization: `Bearer ${adminToken}` }
    const text = await (await fetch(`${one.running.urls.http}/v1/audit?limit=100000`, { headers })).text()
    const lines = text.trimEnd().split('\n')
    expect(lines.some((line) => line.includes(`"run.end"`) && line.includes(run))).toBe(true)
    expect(lines.at(-1)).toContain('"audit.read"')
    const key = await (await fetch(`${one.running.urls.http}/v1/audit/key`)).json()
    expect(key).toEqual({ federation: toHex(coordinatorKey.publicKey), publicKey: toHex(auditKey.publicKey) })
  })
})

describe('after a crash', () => {
  test('records what the journal has and the log lacks, once', async () => {
    const store = memoryStore()
    const first = await Started.create({ store: { ...store, close: async () => {} } })
    const run = await published(first)
    await first.stop()
    const second = await started(store)
    await second.stop()
    const late = await records({ object: run })
    expect(named(late)).toEqual([
      `run.start ${run}`,
      ...[1, 2].flatMap((round) =>
        ['round.open', 'evaluation.open', 'round.close'].map((action) => `${action} ${run}/${round}`),
      ),
      expect.stringContaining('model.candidate'),
      expect.stringContaining('gate.decide'),
      `run.end ${run}`,
    ])
    expect(late.every(({ details }) => details.late === true)).toBe(true)
    const third = await started(store)
    await third.stop()
    expect(await records({ object: run })).toEqual(late)
  })

  test('says that a run goes on', async () => {
    const store = memoryStore()
    const first = await started(store)
    const { run } = await first.running.api.startRun(planText())
    await first.stop()
    await (await started(store)).stop()
    expect(named(await records({ object: run }))).toEqual([`run.start ${run}`, `run.resume ${run}`])
  })

  test('records damage that it finds, and does not start', async () => {
    const store = memoryStore()
    const first = await started(store)
    await first.running.api.startRun(planText())
    await first.stop()
    const damaged = { ...store, blobs: { ...store.blobs, size: async () => undefined } }
    const audit = await open()
    await expect(Started.create({ store: damaged, audit })).rejects.toMatchObject({ code: 'store.corrupt' })
    await audit.log.close()
    expect((await records({ action: 'store' }))[0]).toMatchObject({ outcome: 'failed', code: 'store.corrupt' })
  })
})

test('a coordinator that cannot record goes no further', async () => {
  const audit = new MemoryAudit()
  const federation = new Federation({ audit: { sink: audit, facts: new Set() } })
  stops.push(() => federation.stop())
  await federation.coordinator.start()
  audit.failing = true
  await expect(federation.coordinator.startRun(planText())).rejects.toMatchObject({ code: 'audit.unavailable' })
  expect(federation.fatal.map(({ code }: ParleyError) => code)).toContain('audit.unavailable')
})
