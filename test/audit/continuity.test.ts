/** Clients that keep the coordinator's checkpoints find out a second history, or an older one, when they connect. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AuditLog, queryFolder } from '../../audit/index.ts'
import type { CheckpointMemory, ClientEvent } from '../../client/node/options.ts'
import { checkContinuity, type KeptCheckpoint, recordsKept, type ToldState } from '../../core/audit/continuity.ts'
import type { AuditRecord } from '../../core/audit/record.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { toHex } from '../../core/encoding/bytes.ts'
import { systemClock } from '../../core/system-clock.ts'
import { collectFacts } from '../../server/audit/recorded-facts.ts'
import { addingTrainer, coordinatorKey, keyOf } from '../support/federation.ts'
import { Started } from '../support/started.ts'
import { auditKey } from './fixtures.ts'

const federation = toHex(coordinatorKey.publicKey)
const entry = (id: string) => ({
  action: 'client.connect' as const,
  actor: { kind: 'client', id } as const,
  object: { kind: 'client', id },
})

let folder: string
const stops: (() => Promise<void>)[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-continuity-'))
})
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
  await rm(folder, { recursive: true, force: true })
})

async function logIn(name: string, key = auditKey, seen?: (record: AuditRecord) => void): Promise<AuditLog> {
  const options = { federation, key, crypto: nodeCrypto, clock: systemClock, ...(seen === undefined ? {} : { seen }) }
  return AuditLog.open(join(folder, name), options)
}

describe('what a coordinator says of its log', () => {
  async function openLog(name = 'log', key = auditKey): Promise<AuditLog> {
    const log = await logIn(name, key)
    stops.push(() => log.close())
    return log
  }
  const told = async (log: AuditLog, records = 0): Promise<ToldState> => {
    const { held, ...state } = await log.state(records)
    return { ...state, held }
  }
  const check = (kept: KeptCheckpoint | undefined, state: ToldState | undefined, whose = federation) =>
    checkContinuity(nodeCrypto, whose, kept, state)
  const forked = (message: RegExp) => ({ code: 'audit.fork', message: expect.stringMatching(message) })

  test('is kept from the first time on, and followed as it grows, also over a restart', async () => {
    const log = await logIn('log')
    const first = await check(undefined, await told(log))
    expect(first?.publicKey).toBe(toHex(auditKey.publicKey))
    const records = await recordsKept(nodeCrypto, federation, first)
    expect(records).toBe(1)
    for (const id of ['a', 'b']) await log.append(entry(id))
    await log.checkpoint()
    const second = await check(first, await told(log, records))
    expect(await recordsKept(nodeCrypto, federation, second)).toBe(3)
    expect(await check(second, await told(log, 3))).toBe(second)
    await log.close()
    const again = await openLog()
    await again.append(entry('c'))
    expect(await check(first, await told(again, 1))).toBeDefined()
    expect(await check(second, await told(again, 3))).toBeDefined()
  })

  test('is a fork where it is another history, an older one, of another key, or none', async () => {
    const log = await openLog()
    await log.append(entry('a'))
    await log.checkpoint()
    const kept = await check(undefined, await told(log))
    const other = await openLog('other')
    for (const id of ['x', 'y', 'z']) await other.append(entry(id))
    await other.checkpoint()
    await expect(check(kept, await told(other, 2))).rejects.toMatchObject(forked(/has not the record 1/))
    const short = await openLog('short')
    await expect(check(kept, await told(short, 2))).rejects.toMatchObject(forked(/of record 0, and one of 1/))
    const strange = await openLog('strange', keyOf('another audit key'))
    await expect(check(kept, await told(strange, 2))).rejects.toMatchObject(forked(/another key/))
    await expect(check(kept, undefined)).rejects.toMatchObject(forked(/says nothing/))
    expect(await check(undefined, undefined)).toBeUndefined()
  })

  test('is a fork where a word of it is not signed, or is of another record or coordinator', async () => {
    const log = await openLog()
    const kept = await check(undefined, await told(log))
    await log.append(entry('a'))
    await log.checkpoint()
    const state = await told(log, 1)
    for (const [at, line] of [
      ['newest', state.newest.replace('"sig":"A', '"sig":"B').replace(/"sig":"[^A-B]/, '"sig":"A')],
      ['newest', 'nothing'],
      ['held', 'nothing'],
      ['held', state.newest],
      ['held', undefined],
    ] as const) {
      await expect(check(kept, { ...state, [at]: line })).rejects.toMatchObject({ code: 'audit.fork' })
    }
    const stranger = toHex(keyOf('stranger').publicKey)
    await expect(check(undefined, state, stranger)).rejects.toMatchObject(forked(/another coordinator/))
  })
})

describe('a client node', () => {
  function memory(): CheckpointMemory & { kept: KeptCheckpoint | undefined } {
    const one: CheckpointMemory & { kept: KeptCheckpoint | undefined } = {
      kept: undefined,
      last: async () => one.kept,
      keep: async (checkpoint) => {
        one.kept = checkpoint
      },
    }
    return one
  }

  /** What a client with this memory is told first by a coordinator whose log is in this folder. */
  async function connecting(name: string, checkpoints: CheckpointMemory): Promise<ClientEvent> {
    const { facts, seen } = collectFacts()
    const started = await Started.create({ audit: { log: await logIn(name, auditKey, seen), facts } })
    try {
      const event = await new Promise<ClientEvent>((resolve) => {
        started.addClient('a', 'grpc', addingTrainer(1), { checkpoints, onEvent: resolve })
      })
      // The client tells the coordinator why it left.
      if (event.type === 'disconnected') await expect.poll(() => forks(name)).not.toEqual([])
      return event
    } finally {
      await started.stop()
    }
  }

  async function forks(name: string): Promise<AuditRecord[]> {
    const found: AuditRecord[] = []
    for await (const record of queryFolder(join(folder, name), { action: 'audit.fork' })) found.push(record)
    return found
  }

  test('keeps on with a coordinator whose log goes on, and not with one that shows another', async () => {
    const checkpoints = memory()
    expect(await connecting('log', checkpoints)).toMatchObject({ type: 'connected' })
    const first = checkpoints.kept
    expect(first).toBeDefined()
    expect(await connecting('log', checkpoints)).toMatchObject({ type: 'connected' })
    expect(checkpoints.kept).not.toEqual(first)
    const before = checkpoints.kept
    const refused = await connecting('other', checkpoints)
    expect(refused).toMatchObject({ type: 'disconnected', error: { code: 'audit.fork' } })
    expect(checkpoints.kept).toBe(before)
    expect((await forks('other'))[0]).toMatchObject({ actor: { kind: 'client', id: 'a' }, code: 'audit.fork' })
    expect(await forks('log')).toEqual([])
    expect(await connecting('log', checkpoints)).toMatchObject({ type: 'connected' })
  })

  test('without a memory, or of a coordinator without a log, works as before', async () => {
    const started = await Started.create()
    stops.push(() => started.stop())
    const checkpoints = memory()
    const event = await new Promise<ClientEvent>((resolve) => {
      started.addClient('a', 'ws', addingTrainer(1), { checkpoints, onEvent: resolve })
    })
    expect([event.type, checkpoints.kept]).toEqual(['connected', undefined])
  })
})
