/** `parley audit` on a log in a folder, without anybody who writes it. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AuditLog } from '../../audit/index.ts'
import { auditLineText } from '../../core/audit/line.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { toHex } from '../../core/encoding/bytes.ts'
import { auditKey, FEDERATION } from '../audit/fixtures.ts'
import { ManualClock } from '../consumer/manual-clock.ts'
import { inProcess, parleyJson } from '../support/cli.ts'

let home: string
let clock: ManualClock
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'parley-audit-cli-'))
  clock = new ManualClock(Date.UTC(2026, 0, 31, 12))
  const log = await AuditLog.open(join(home, 'audit'), {
    federation: FEDERATION,
    key: auditKey,
    crypto: nodeCrypto,
    clock,
  })
  const object = { kind: 'round', id: 'run_1/2' } as const
  clock.advance(60 * 60_000)
  await log.append({ action: 'update.accept', actor: { kind: 'client', id: 'a' }, object, details: { bytes: 12 } })
  const code = 'update.norm-limit'
  await log.append({ action: 'update.refuse', actor: { kind: 'client', id: 'b' }, object, outcome: 'denied', code })
  clock.advance(24 * 60 * 60_000)
  const details = { reason: 'a \u001b]0;evil\u0007 word\u202e' }
  const alias = { kind: 'alias', id: 'heart@production' }
  await log.append({ action: 'alias.move', actor: { kind: 'member', id: 'eve' }, object: alias, details })
  await log.close()
})
afterEach(() => rm(home, { recursive: true, force: true }))

const key = toHex(auditKey.publicKey)
const logFile = () => join(home, 'audit/audit-0.jsonl')

describe('parley audit verify', () => {
  test('says that a log is whole, and what that rests on', async () => {
    const { code, stdout } = await inProcess('audit', 'verify', home)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^the log is whole: 4 records, \d checkpoints\n/)
    expect(stdout).toContain('This key lies in the folder itself')
    expect((await inProcess('audit', 'verify', join(home, 'audit'), '--key', key)).stdout).not.toContain('key')
    const report = await parleyJson<object>('audit', 'verify', home, '--key', key)
    expect(report).toMatchObject({ federation: FEDERATION, records: 4, covered: 3, pinned: true })
  })

  test('ends with 6 and the place for a log that is not', async () => {
    await writeFile(logFile(), (await readFile(logFile(), 'utf8')).replace('"bytes":12', '"bytes":13'))
    const { code, stderr } = await inProcess('audit', 'verify', home)
    expect(code).toBe(6)
    expect(stderr).toContain('audit.corrupt: audit-0.jsonl, line 2, record 1: the record does not have its leaf')
    const { stdout } = await inProcess('audit', 'verify', home, '--json')
    const { error } = JSON.parse(stdout) as { error: object }
    expect(error).toMatchObject({ code: 'audit.corrupt', details: { problem: 'edited', seq: 1, line: 2 } })
  })

  test('ends with 6 for another key, and for a kept checkpoint that is not in the history', async () => {
    const other = nodeCrypto.signingKey(new Uint8Array(32).fill(4))
    expect((await inProcess('audit', 'verify', home, '--key', toHex(other.publicKey))).code).toBe(6)
    const kept = join(home, 'kept')
    await writeFile(kept, await readFile(join(home, 'audit/checkpoints.jsonl')))
    expect((await inProcess('audit', 'verify', home, '--checkpoint', kept)).code).toBe(0)
    await writeFile(join(home, 'audit/checkpoints.jsonl'), '')
    await writeFile(logFile(), `${(await readFile(logFile(), 'utf8')).split('\n').slice(0, 3).join('\n')}\n`)
    expect((await inProcess('audit', 'verify', home)).code).toBe(0)
    const { code, stderr } = await inProcess('audit', 'verify', home, '--checkpoint', kept)
    expect([code, stderr]).toEqual([6, expect.stringContaining('the log ends here')])
  })

  test('shows nothing of a damaged record that a terminal would act on', async () => {
    const record = `{"\u001b[2Jx":1}`
    await writeFile(logFile(), `${auditLineText('0'.repeat(64), '0'.repeat(64), record)}\n`)
    const { code, stderr } = await inProcess('audit', 'verify', home)
    expect(code).toBe(6)
    expect(stderr).not.toContain('\u001b')
  })

  test('ends with 4 where there is no log, and with 2 for what is no key', async () => {
    expect((await inProcess('audit', 'verify', join(home, 'nowhere'))).code).toBe(4)
    expect((await inProcess('audit', 'verify', home, '--key', 'abc')).code).toBe(2)
  })
})

describe('parley audit timeline', () => {
  const lines = async (...args: string[]) =>
    (await inProcess('audit', 'timeline', '--home', home, ...args)).stdout.trimEnd().split('\n')

  test('shows each record on a line that does nothing to a terminal', async () => {
    const shown = await lines()
    expect(shown).toHaveLength(4)
    expect(shown[1]).toBe('2026-01-31T13:00:00.000Z  #1  client:a  update.accept  round:run_1/2  bytes=12')
    expect(shown[2]).toContain('client:b  update.refuse  round:run_1/2  denied: update.norm-limit')
    expect(shown[3]).toContain('reason="a \\u001b]0;evil\\u0007 word\\u{202e}"')
  })

  test.each([
    [['--actor', 'client:a'], [1]],
    [
      ['--action', 'update'],
      [1, 2],
    ],
    [
      ['--object', 'run_1'],
      [1, 2],
    ],
    [['--from', '2026-02-01'], [3]],
    [
      ['--to', '2026-01-31'],
      [0, 1, 2],
    ],
    [
      ['--from', '2026-01-31T13:00Z', '--to', '2026-01-31T13:00:00.000Z'],
      [1, 2],
    ],
    [
      ['--limit', '2'],
      [2, 3],
    ],
    [['--actor', 'nobody'], []],
  ])('%j', async (args, expected) => {
    const { records } = await parleyJson<{ records: { seq: number }[] }>('audit', 'timeline', '--home', home, ...args)
    expect(records.map(({ seq }) => seq)).toEqual(expected)
  })

  test('says what it leaves out, and refuses times that are none', async () => {
    expect((await lines('--limit', '1'))[0]).toBe('3 older ones are not shown (--limit)')
    expect(await lines('--actor', 'nobody')).toEqual(['no such record'])
    expect((await inProcess('audit', 'timeline', '--home', home, '--from', 'yesterday')).code).toBe(2)
  })
})

describe('parley audit export', () => {
  test('writes what verifies elsewhere; of a client only what is the client’s', async () => {
    const all = join(home, 'all')
    expect((await inProcess('audit', 'export', all, '--home', home)).stdout).toContain(`key ${key}`)
    expect(await parleyJson('audit', 'verify', all, '--key', key)).toMatchObject({ records: 4, redacted: 0 })
    const some = join(home, 'some')
    const exported = await parleyJson('audit', 'export', some, '--home', home, '--client', 'b')
    expect(exported).toMatchObject({ records: 4, redacted: 3, publicKey: key })
    expect(await parleyJson('audit', 'verify', some, '--key', key)).toMatchObject({ records: 4, redacted: 3 })
    expect(await readFile(join(some, 'audit-0.jsonl'), 'utf8')).not.toContain('evil')
    expect((await inProcess('audit', 'export', some, '--home', home)).code).toBe(2)
  })
})
