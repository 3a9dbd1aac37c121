import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { act } from '../../core/audit/act.ts'
import { recordOf } from '../../core/audit/entry.ts'
import { matchesFilter } from '../../core/audit/filter.ts'
import { auditLineText, readAuditLine } from '../../core/audit/line.ts'
import { AUDIT_DETAILS_BYTES, auditRecordText, readAuditRecord } from '../../core/audit/record.ts'
import type { AuditEntry, AuditSink } from '../../core/audit/sink.ts'
import { Throttle } from '../../core/audit/throttle.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { recordAt } from './fixtures.ts'

const entry: AuditEntry = {
  action: 'update.accept',
  actor: { kind: 'client', id: 'a' },
  object: { kind: 'round', id: 'run_1/2' },
}
const stamp = { seq: 3, at: 0, salt: '0'.repeat(32) }

describe('a record', () => {
  test.each([
    ['a fraction', { details: { n: 0.5 } }],
    ['a nested detail', { details: { n: { deep: 1 } as unknown as string } }],
    ['a code with an outcome of ok', { code: 'internal' }],
    ['no code with another outcome', { outcome: 'failed' }],
    ['another version', { v: 2 as unknown as 1 }],
    ['a time of another form', { at: '2026-01-05T09:30:00Z' }],
    ['a day that there is not', { at: '2026-02-30T09:30:00.000Z' }],
    ['an id with a newline', { object: { kind: 'run', id: 'a\nb' } }],
    ['an action that is no noun.verb', { action: 'client' }],
    [
      'too many details',
      { details: Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`d${i}`, 'x'.repeat(1_000)])) },
    ],
    ['a lone surrogate', { details: { text: '\ud800' } }],
  ] as const)('with %s is none', (_what, changes) => {
    expect(() => auditRecordText(recordAt(0, changes as object))).toThrow(/audit record|form/)
  })

  test('is read as it was written, and in no other form', () => {
    const text = auditRecordText(recordAt(4))
    expect(readAuditRecord(text)).toEqual(recordAt(4))
    for (const other of [` ${text}`, text.replace('{"action"', '{"v":1,"action"'), text.replace(':1}', ':1.0}')]) {
      expect(() => readAuditRecord(other)).toThrow(ParleyError)
    }
    expect(() => readAuditRecord('nothing')).toThrow('not JSON')
  })

  test('can be made of any text from outside', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 3_000 }), fc.string({ unit: 'binary' }), (text, id) => {
        // What ends a line for some, and not in JSON.
        const details = { message: `\u2028\u2029${text}\ud800`, left: undefined, n: 2 }
        const record = recordOf({ ...entry, object: { kind: 'model', id }, details }, stamp)
        const recordText = auditRecordText(record)
        expect(readAuditRecord(recordText)).toEqual(record)
        const line = auditLineText('0'.repeat(64), '1'.repeat(64), recordText)
        expect(line).not.toContain('\n')
        expect(readAuditLine(line)).toMatchObject({ record, recordText })
        expect(Object.keys(record.details)).toEqual(['message', 'n'])
      }),
      { numRuns: 30 },
    )
    expect(AUDIT_DETAILS_BYTES).toBe(8 * 1024)
  })
})

describe('a filter', () => {
  const record = recordAt(5, { object: { kind: 'round', id: 'run_1/2' } })
  test.each([
    [{}, true],
    [{ actor: 'cli_2' }, true],
    [{ actor: 'client:cli_2' }, true],
    [{ actor: 'member:cli_2' }, false],
    [{ action: 'client.connect' }, true],
    [{ action: 'client' }, true],
    [{ action: 'cli' }, false],
    [{ object: 'run_1' }, true],
    [{ object: 'round:run_1/2' }, true],
    [{ object: 'run_' }, false],
    [{ from: 5_000, to: 5_000 }, true],
    [{ from: 5_001 }, false],
    [{ to: 4_999 }, false],
    [{ actor: 'cli_2', to: 4_999 }, false],
  ])('%j: %s', (filter, expected) => {
    expect(matchesFilter(filter, record)).toBe(expected)
  })
})

describe('a person’s act', () => {
  const request = {
    action: 'run.start',
    actor: { kind: 'member', id: 'eve' },
    object: { kind: 'plan', id: 'p' },
  } as const

  class Sink implements AuditSink {
    readonly entries: AuditEntry[] = []
    failing = false
    async append(one: AuditEntry): Promise<number> {
      if (this.failing) throw new ParleyError('audit.unavailable')
      return this.entries.push(one) - 1
    }
    async settled(): Promise<void> {
      if (this.failing) throw new ParleyError('audit.unavailable')
    }
    async checkpoint(): Promise<void> {}
  }

  test('is recorded before it is done, and with what came of it', async () => {
    const sink = new Sink()
    const work = async () => sink.entries.length
    const done = (result: number) => ({ object: { kind: 'run', id: 'run_1' }, details: { result } })
    expect(await act(sink, request, work, done)).toBe(1)
    expect(sink.entries).toEqual([
      { ...request, action: 'request.take', details: { action: 'run.start' } },
      {
        action: 'run.start',
        actor: request.actor,
        object: { kind: 'run', id: 'run_1' },
        details: { result: 1, request: 0 },
      },
    ])
  })

  test('that is refused or goes wrong is recorded as such', async () => {
    for (const [code, outcome] of [
      ['approval.invalid', 'denied'],
      ['run.conflict', 'failed'],
    ] as const) {
      const sink = new Sink()
      const failing = act(sink, request, () => Promise.reject(new ParleyError(code)))
      await expect(failing).rejects.toMatchObject({ code })
      expect(sink.entries[1]).toMatchObject({ action: 'request.fail', outcome, code, details: { request: 0 } })
    }
  })

  test('is not done without its record, and not acknowledged without the second', async () => {
    const sink = new Sink()
    sink.failing = true
    let done = false
    await expect(act(sink, request, async () => (done = true))).rejects.toMatchObject({ code: 'audit.unavailable' })
    expect(done).toBe(false)
    sink.failing = false
    const breaking = act(sink, request, async () => (sink.failing = true))
    await expect(breaking).rejects.toMatchObject({ code: 'audit.unavailable' })
  })
})

test('records that strangers cause are counted beyond 60 in a minute', () => {
  const throttle = new Throttle()
  const taken = (now: number) => throttle.take('client.refuse', now)
  expect(Array.from({ length: 70 }, () => taken(0)).filter((one) => one === 0)).toHaveLength(60)
  expect(throttle.take('other', 0)).toBe(0)
  expect(taken(59_999)).toBeUndefined()
  expect([taken(60_000), taken(60_000)]).toEqual([11, 0])
})
