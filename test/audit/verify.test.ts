/** Whatever is done to a log or its checkpoints is found, and its place is named. */
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { auditLineText, readAuditLine, redactedLine } from '../../core/audit/line.ts'
import { type AuditReport, verifyAudit } from '../../core/audit/verify.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { fromUtf8, utf8 } from '../../core/encoding/bytes.ts'
import { auditKey, FEDERATION, logOf, placed, recordAt } from './fixtures.ts'

const COUNT = 12
/** The last record is covered: what nothing covers may be cut off unseen. */
const AFTER = [3, 4, 8, COUNT - 1]

let lines: string[]
let checkpoints: string[]
let others: { lines: string[]; checkpoints: string[] }
beforeAll(async () => {
  const records = Array.from({ length: COUNT }, (_, seq) => recordAt(seq))
  records[0] = recordAt(0, { object: { id: FEDERATION, kind: 'federation' }, action: 'audit.create' })
  ;({ lines, checkpoints } = await logOf(records, AFTER))
  const edited = records.map((record) => (record.seq === 5 ? { ...record, salt: 'f'.repeat(32) } : record))
  others = await logOf(edited, AFTER)
})

const verify = (log: readonly string[], marks: readonly string[], kept: readonly string[] = []): Promise<AuditReport> =>
  verifyAudit(nodeCrypto, auditKey.publicKey, {
    log: placed('audit-0.jsonl', log),
    checkpoints: placed('checkpoints.jsonl', marks),
    kept: placed('kept.json', kept),
  })

/** The text with one byte changed; undefined where that is no UTF-8, which no line is either. */
function flipped(text: string, at: number, bits: number): string | undefined {
  const bytes = utf8(text).slice()
  bytes[at % bytes.length]! ^= bits
  try {
    return fromUtf8(bytes)
  } catch {
    return undefined
  }
}

const index = (length: number) => fc.integer({ min: 0, max: length - 1 })
const place = fc.nat({ max: 100_000 })
const bits = fc.integer({ min: 1, max: 255 })

describe('a log', () => {
  test('as it was written is whole', async () => {
    const report = await verify(lines, checkpoints)
    const { head } = readAuditLine(lines.at(-1)!)
    expect(report).toEqual({ federation: FEDERATION, records: COUNT, redacted: 0, checkpoints: 4, covered: 11, head })
  })

  test('with a flipped byte', async () => {
    await fc.assert(
      fc.asyncProperty(index(COUNT), place, bits, async (i, at, change) => {
        const text = flipped(lines[i]!, at, change)
        if (text === undefined) return
        const { problem } = await verify(lines.with(i, text), checkpoints)
        expect(problem).toMatchObject({ file: 'audit-0.jsonl', line: i + 1, seq: i })
      }),
      { numRuns: 300 },
    )
  })

  test('with a line too few, twice, or in another place', async () => {
    await fc.assert(
      fc.asyncProperty(index(COUNT), index(COUNT), async (i, j) => {
        const without = await verify(lines.toSpliced(i, 1), checkpoints)
        if (i < COUNT - 1) {
          expect(without.problem).toMatchObject({ kind: 'gap', line: i + 1, seq: i })
          expect(without.problem?.message).toContain(`record ${i} is missing`)
        } else expect(without.problem).toMatchObject({ kind: 'truncated', line: COUNT - 1, seq: COUNT - 1 })
        const twice = await verify(lines.toSpliced(i, 0, lines[j]!), checkpoints)
        expect(twice.problem).toMatchObject({ line: j < i ? i + 1 : j === i ? i + 2 : i + 1 })
        if (i === j) return
        const swapped = await verify(lines.with(i, lines[j]!).with(j, lines[i]!), checkpoints)
        expect(swapped.problem).toMatchObject({ line: Math.min(i, j) + 1, seq: Math.min(i, j) })
      }),
    )
  })

  test('with a line of another history', async () => {
    const one = await verify(lines.with(5, others.lines[5]!), checkpoints)
    expect(one.problem).toMatchObject({ kind: 'chain', line: 7, seq: 6 })
    // Whoever has no key cannot have checkpoints of the other history either.
    const all = await verify(others.lines, checkpoints)
    expect(all.problem).toMatchObject({ kind: 'fork', file: 'checkpoints.jsonl', line: 3, seq: 8 })
  })

  test('whose records were edited and hashed anew by somebody without the key', async () => {
    const { head, leaf, record } = readAuditLine(lines[7]!)
    const text = JSON.stringify(record).replace('"n":7', '"n":8')
    const { problem } = await verify(lines.with(7, auditLineText(head, leaf, text)), checkpoints)
    expect(problem).toMatchObject({ kind: 'edited', line: 8, seq: 7 })
  })

  test('with redacted records is whole, and they are counted', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(index(COUNT)), async (hidden) => {
        const log = lines.map((line, i) => (hidden.includes(i) ? redactedLine(line) : line))
        const report = await verify(log, checkpoints)
        expect(report).toMatchObject({ records: COUNT, redacted: hidden.length })
        expect(report.problem).toBeUndefined()
        const i = hidden[0]
        if (i === undefined || i === COUNT - 1) return
        expect((await verify(log.toSpliced(i, 1), checkpoints)).problem).toMatchObject({ line: i + 1, seq: i })
      }),
    )
  })

  test('without checkpoints says by its first record whose it is', async () => {
    expect(await verify(lines, [])).toMatchObject({ federation: FEDERATION, records: COUNT, checkpoints: 0 })
    expect(await verify([], [])).toEqual({ records: 0, redacted: 0, checkpoints: 0 })
    const unnamed = await verify([redactedLine(lines[0]!)], [])
    expect(unnamed.problem).toMatchObject({ kind: 'chain', line: 1, seq: 0 })
  })
})

describe('checkpoints', () => {
  test('with a flipped byte', async () => {
    await fc.assert(
      fc.asyncProperty(index(AFTER.length), place, bits, async (i, at, change) => {
        const text = flipped(checkpoints[i]!, at, change)
        if (text === undefined) return
        const { problem } = await verify(lines, checkpoints.with(i, text))
        expect(problem).toMatchObject({ kind: 'malformed', file: 'checkpoints.jsonl', line: i + 1 })
      }),
      { numRuns: 300 },
    )
  })

  test('too few, twice, or in another place', async () => {
    for (const [i, one] of checkpoints.entries()) {
      const twice = await verify(lines, checkpoints.toSpliced(i, 0, one))
      expect(twice.problem).toMatchObject({ kind: 'order', file: 'checkpoints.jsonl', line: i + 2 })
      // The last one may not have been made yet.
      if (i === checkpoints.length - 1) continue
      const without = await verify(lines, checkpoints.toSpliced(i, 1))
      expect(without.problem).toMatchObject({ kind: 'order', file: 'checkpoints.jsonl', line: i + 1 })
      const swapped = await verify(lines, checkpoints.with(i, checkpoints[i + 1]!).with(i + 1, one))
      expect(swapped.problem).toMatchObject({ kind: 'order', line: i + 1 })
    }
  })

  test('of another key are none', async () => {
    const key = nodeCrypto.signingKey(new Uint8Array(32).fill(3)).publicKey
    const sources = { log: placed('a', lines), checkpoints: placed('c', checkpoints) }
    expect((await verifyAudit(nodeCrypto, key, sources)).problem).toMatchObject({ kind: 'malformed', line: 1 })
  })

  test('that somebody kept show what was cut off, and what was written anew', async () => {
    expect((await verify(lines, checkpoints, [checkpoints[3]!])).problem).toBeUndefined()
    const cut = await verify(lines.slice(0, 7), checkpoints.slice(0, 2), [checkpoints[3]!])
    expect(cut.problem).toMatchObject({ kind: 'truncated', line: 7, seq: 7 })
    expect((await verify(lines.slice(0, 7), checkpoints.slice(0, 2))).problem).toBeUndefined()
    // With the key a whole other history can be written; who kept a checkpoint of the first one sees it.
    expect((await verify(others.lines, others.checkpoints)).problem).toBeUndefined()
    const forked = await verify(others.lines, others.checkpoints, [checkpoints[2]!])
    expect(forked.problem).toMatchObject({ kind: 'fork', file: 'kept.json', line: 1, seq: 8 })
  })

  test('of another federation are of another log', async () => {
    const foreign = await logOf([recordAt(0)], [0], 'fed_other')
    const { problem } = await verify(lines, checkpoints, foreign.checkpoints)
    expect(problem).toMatchObject({ kind: 'fork', file: 'kept.json' })
  })
})
