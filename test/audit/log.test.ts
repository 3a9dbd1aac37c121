/** The log in real files: what is acknowledged is there, and nothing goes on over what is damaged. */
import * as promises from 'node:fs/promises'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { AuditFiles } from '../../audit/files.ts'
import { AuditLog, type AuditLogOptions, exportBundle, queryFolder, verifyFolder } from '../../audit/index.ts'
import { readAuditLine } from '../../core/audit/line.ts'
import type { AuditRecord } from '../../core/audit/record.ts'
import type { AuditEntry } from '../../core/audit/sink.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { ManualClock } from '../consumer/manual-clock.ts'
import { auditKey, FEDERATION } from './fixtures.ts'

let folder: string
let clock: ManualClock
const open: AuditLog[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-audit-'))
  clock = new ManualClock()
})
afterEach(async () => {
  for (const log of open.splice(0)) await log.close().catch(() => {})
  await rm(folder, { recursive: true, force: true })
})

const path = (name: string) => join(folder, name)
const entry = (id: string): AuditEntry => ({
  action: 'client.connect',
  actor: { kind: 'client', id },
  object: { kind: 'client', id },
})

async function start(options: Partial<AuditLogOptions> = {}): Promise<AuditLog> {
  const log = await AuditLog.open(folder, {
    federation: FEDERATION,
    key: auditKey,
    crypto: nodeCrypto,
    clock,
    ...options,
  })
  open.push(log)
  return log
}

const collect = async <T>(values: AsyncIterable<T>): Promise<T[]> => {
  const found: T[] = []
  for await (const value of values) found.push(value)
  return found
}
const records = () => collect(queryFolder(folder, {}))
const actionsOf = (found: readonly AuditRecord[]) => found.map(({ action }) => action)
const verified = (publicKey?: Uint8Array) => verifyFolder(nodeCrypto, folder, { publicKey })

/** Files of which writes, or syncs, fail from the call on that is counted down to. */
class FailingFiles implements AuditFiles {
  readonly mkdir = promises.mkdir
  readonly rename = promises.rename
  syncs = 0
  left = Number.POSITIVE_INFINITY
  what: 'write' | 'datasync' = 'write'

  readonly open: AuditFiles['open'] = async (...args) => {
    const handle = await promises.open(...args)
    const count = (call: 'write' | 'datasync') => {
      if (call === 'datasync') this.syncs++
      if (call === this.what && --this.left < 0) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' })
    }
    return new Proxy(handle, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        return async (...rest: unknown[]) => {
          if (name === 'write' || name === 'datasync') count(name)
          return (value as (...all: unknown[]) => unknown).apply(target, rest)
        }
      },
    })
  }
}

describe('a log', () => {
  test('begins with whose it is, and goes on where it stopped', async () => {
    const first = await start()
    expect(await first.append(entry('a'))).toBe(1)
    await first.close()
    await first.close()
    await expect(first.append(entry('b'))).rejects.toMatchObject({ code: 'audit.unavailable' })
    const seen: number[] = []
    const second = await start({ seen: ({ seq }) => void seen.push(seq) })
    expect(seen).toEqual([0, 1])
    expect(await second.append(entry('b'))).toBe(2)
    await second.close()
    expect(actionsOf(await records())).toEqual(['audit.create', 'client.connect', 'client.connect'])
    expect((await records())[0]?.object).toEqual({ kind: 'federation', id: FEDERATION })
    const report = await verified(auditKey.publicKey)
    expect(report).toMatchObject({ records: 3, checkpoints: 2, covered: 2, pinned: true })
    expect(report.problem).toBeUndefined()
  })

  test('is for its owner only, and for one process at a time', async () => {
    await start()
    for (const name of await readdir(folder)) {
      expect(((await stat(path(name))).mode & 0o077).toString(8), name).toBe('0')
    }
    await expect(start()).rejects.toMatchObject({ code: 'audit.locked' })
    expect((await verified()).problem).toBeUndefined()
  })

  test('makes one sync for all that waits', async () => {
    const files = new FailingFiles()
    const log = await start({ files })
    const before = files.syncs
    const numbers = await Promise.all(Array.from({ length: 200 }, (_, i) => log.append(entry(`c${i}`))))
    expect(numbers).toEqual(Array.from({ length: 200 }, (_, i) => i + 1))
    expect(files.syncs - before).toBeLessThanOrEqual(2)
  })

  test('goes on in a new file when one is full, and reads from any record on', async () => {
    const log = await start({ fileBytes: 2_000 })
    for (let i = 0; i < 10; i++) await log.append(entry(`c${i}`))
    await Promise.all(Array.from({ length: 20 }, (_, i) => log.append(entry(`d${i}`))))
    const files = (await readdir(folder)).filter((name) => name.startsWith('audit-') && name.endsWith('.jsonl'))
    expect(files.length).toBeGreaterThan(3)
    for (const name of files) expect((await stat(path(name))).size).toBeLessThanOrEqual(2_000)
    for (const from of [0, 3, 17, 30, 31]) {
      const found = (await collect(log.lines(from, 5))).map((line) => readAuditLine(line).record?.seq)
      expect(found).toEqual([0, 1, 2, 3, 4].map((i) => from + i).filter((seq) => seq < 31))
    }
    expect(await collect(log.query({ actor: 'd7' }))).toMatchObject([{ seq: 18 }])
    await log.close()
    expect(await (await start({ fileBytes: 2_000 })).append(entry('z'))).toBe(31)
    expect((await verified()).problem).toBeUndefined()
  })

  test('shows only what is on the disk', async () => {
    const log = await start()
    const written = log.append(entry('a'))
    expect(await collect(log.lines())).toHaveLength(1)
    await written
    expect(await collect(log.lines())).toHaveLength(2)
  })
})

describe('checkpoints', () => {
  const count = async () => (await verified(auditKey.publicKey)).checkpoints

  test('come after so many records, after so long with news, and when they are asked for', async () => {
    const log = await start({ checkpointRecords: 5 })
    for (let i = 0; i < 4; i++) await log.append(entry(`c${i}`))
    await log.settled()
    await expect.poll(count).toBe(1)
    await log.append(entry('more'))
    clock.advance(10 * 60_000)
    await expect.poll(count).toBe(2)
    clock.advance(60 * 60_000)
    await log.checkpoint()
    expect(await count()).toBe(2)
    await log.append(entry('publication'))
    await Promise.all([log.checkpoint(), log.checkpoint()])
    expect(await count()).toBe(3)
    await log.close()
    expect(await count()).toBe(3)
  })
})

describe('a start', () => {
  async function written(count = 6): Promise<void> {
    const log = await start()
    for (let i = 1; i < count; i++) await log.append(entry(`c${i}`))
    await log.close()
  }
  const text = () => readFile(path('audit-0.jsonl'), 'utf8')

  test('cuts off what a crash left of a line, and says so', async () => {
    await written()
    const whole = await text()
    await writeFile(path('audit-0.jsonl'), `${whole}{"head":"12`)
    await writeFile(path('checkpoints.jsonl'), `${await readFile(path('checkpoints.jsonl'), 'utf8')}{`)
    expect(await verified()).toMatchObject({ records: 6, torn: 11 })
    await (await start()).close()
    const found = await records()
    expect(found.slice(6)).toMatchObject([
      { action: 'audit.recover', details: { file: 'checkpoints.jsonl', bytes: 1 } },
      { action: 'audit.recover', details: { file: 'audit-0.jsonl', bytes: 11 } },
    ])
    expect((await text()).startsWith(whole)).toBe(true)
    expect(await verified()).toMatchObject({ records: 8, checkpoints: 2 })
  })

  test.each([
    ['an edited record', (lines: string[]) => lines.with(2, lines[2]!.replace('c2', 'cx')), 3],
    ['a missing one', (lines: string[]) => lines.toSpliced(3, 1), 4],
    ['a line in the middle without its end', (lines: string[]) => lines.with(1, lines[1]!.slice(0, 50)), 2],
    ['the end cut off before a checkpoint', (lines: string[]) => lines.slice(0, 4), 4],
  ])('refuses %s, and names the place', async (_what, damage, line) => {
    await written()
    const lines = (await text()).trimEnd().split('\n')
    const damaged = `${damage(lines).join('\n')}\n`
    await writeFile(path('audit-0.jsonl'), damaged)
    const refused = { code: 'audit.corrupt', message: expect.stringContaining(`audit-0.jsonl, line ${line}`) }
    await expect(start()).rejects.toMatchObject(refused)
    expect(await text()).toBe(damaged)
    expect((await verified()).problem).toMatchObject({ file: 'audit-0.jsonl', line })
  })

  test('refuses an edited checkpoint, and another key or federation', async () => {
    await written()
    const other = nodeCrypto.signingKey(new Uint8Array(32).fill(8))
    await expect(start({ key: other })).rejects.toMatchObject({ code: 'audit.corrupt' })
    await expect(start({ federation: 'another' })).rejects.toMatchObject({ code: 'audit.corrupt' })
    const line = await readFile(path('checkpoints.jsonl'), 'utf8')
    await writeFile(path('checkpoints.jsonl'), line.replace('"sig":"', '"sig":"A'))
    await expect(start()).rejects.toMatchObject({ message: expect.stringContaining('checkpoints.jsonl, line 1') })
  })

  test('refuses a log of which a file is missing', async () => {
    const log = await start({ fileBytes: 1_000 })
    for (let i = 0; i < 9; i++) await log.append(entry(`c${i}`))
    await log.close()
    const [, second, third] = (await readdir(folder))
      .filter((name) => /^audit-\d/.test(name))
      .sort((a, b) => Number(a.slice(6, -6)) - Number(b.slice(6, -6)))
    await rm(path(second!))
    const refused = { code: 'audit.corrupt', message: expect.stringContaining(`${third}, line 1`) }
    await expect(start()).rejects.toMatchObject(refused)
  })
})

describe('a disk that fails', () => {
  test.each(['write', 'datasync'] as const)('at a %s ends the log until the next start', async (what) => {
    const files = new FailingFiles()
    const log = await start({ files })
    await log.append(entry('a'))
    Object.assign(files, { what, left: 0 })
    const failed = { code: 'audit.unavailable', message: expect.stringContaining('no space left') }
    const both = await Promise.allSettled([log.append(entry('b')), log.append(entry('c'))])
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    files.left = Number.POSITIVE_INFINITY
    await expect(log.append(entry('d'))).rejects.toMatchObject(failed)
    await expect(log.settled()).rejects.toMatchObject(failed)
    await expect(log.checkpoint()).rejects.toMatchObject(failed)
    await log.close()
    const again = await start()
    const next = await again.append(entry('e'))
    // What was written and not synced may be there: it is history, and nothing was written over it.
    expect(next).toBe(what === 'write' ? 2 : 4)
    await again.close()
    expect((await verified()).problem).toBeUndefined()
  })

  test('at a checkpoint ends it too', async () => {
    const files = new FailingFiles()
    const log = await start({ files })
    files.left = 0
    await expect(log.checkpoint()).rejects.toMatchObject({ code: 'audit.unavailable' })
    await expect(log.append(entry('a'))).rejects.toMatchObject({ code: 'audit.unavailable' })
  })
})

describe('a bundle', () => {
  test('verifies by itself, also with records that are not shown', async () => {
    const log = await start({ fileBytes: 1_000 })
    for (let i = 1; i < 9; i++) await log.append(entry(i % 2 === 0 ? 'even' : 'odd'))
    await log.checkpoint()
    const to = path('bundle')
    const shown = ({ actor }: AuditRecord) => actor.id === 'even'
    expect(await exportBundle(nodeCrypto, { from: folder, to, shown })).toMatchObject({ records: 9, redacted: 5 })
    const report = await verifyFolder(nodeCrypto, to, { publicKey: auditKey.publicKey })
    expect(report).toMatchObject({ records: 9, redacted: 5, checkpoints: 1, covered: 8 })
    expect(report.problem).toBeUndefined()
    expect((await collect(queryFolder(to, {}))).map(({ seq }) => seq)).toEqual([2, 4, 6, 8])
    expect(await readFile(join(to, 'README.md'), 'utf8')).toContain(FEDERATION)
    await expect(exportBundle(nodeCrypto, { from: folder, to })).rejects.toMatchObject({ code: 'config.invalid' })
  })

  test('is not made of a damaged log', async () => {
    const log = await start()
    await log.append(entry('a'))
    await log.close()
    const text = await readFile(path('audit-0.jsonl'), 'utf8')
    await writeFile(path('audit-0.jsonl'), text.replace('"id":"a"', '"id":"b"'))
    const made = exportBundle(nodeCrypto, { from: folder, to: path('bundle') })
    await expect(made).rejects.toMatchObject({ code: 'audit.corrupt' })
  })
})
