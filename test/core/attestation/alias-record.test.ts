import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type AliasRecord,
  acceptAliasRecord,
  aliasPayload,
  readAliasRecord,
  resolveAlias,
} from '../../../core/attestation/alias-record.ts'
import { canaryBucket, getsChallenger } from '../../../core/attestation/canary.ts'
import { nodeCrypto } from '../../../core/crypto/node.ts'
import { utf8 } from '../../../core/encoding/bytes.ts'

const digest = (letter: string) => letter.repeat(64)
const first: AliasRecord = {
  v: 1,
  model: 'heart-risk',
  alias: 'production',
  sequence: 1,
  number: 7,
  root: digest('a'),
  previous: null,
  reason: 'the gates passed',
  actor: 'member-1',
  at: '2026-01-01T00:00:00Z',
  expires: '2026-01-31T00:00:00Z',
}
const seen = (record: AliasRecord) => readAliasRecord(nodeCrypto, aliasPayload(record))
const now = Date.UTC(2026, 0, 10)
const one = seen(first)
const second = seen({ ...first, sequence: 2, number: 8, previous: one.sha256 })

describe('a record of an alias', () => {
  it('is believed first, again, next, and after some that were missed', () => {
    expect(acceptAliasRecord(undefined, second, now)).toEqual({ accepted: true, missed: 0 })
    expect(acceptAliasRecord(one, one, now)).toEqual({ accepted: true, missed: 0 })
    expect(acceptAliasRecord(one, second, now)).toEqual({ accepted: true, missed: 0 })
    const later = seen({ ...first, sequence: 5, previous: digest('9') })
    expect(acceptAliasRecord(one, later, now)).toEqual({ accepted: true, missed: 3 })
  })

  it('may name an old version: that is how one goes back', () => {
    const back = seen({ ...first, sequence: 3, number: 7, previous: second.sha256, reason: 'worse outcomes' })
    expect(acceptAliasRecord(second, back, now)).toEqual({ accepted: true, missed: 0 })
  })

  it.each<[string, AliasRecord, AliasRecord, number?]>([
    ['replayed', second.record, first],
    ['forked', first, { ...first, reason: 'another reason' }],
    ['forked', first, { ...second.record, previous: digest('9') }],
    ['another-alias', first, { ...second.record, alias: 'champion' }],
    ['another-alias', first, { ...second.record, model: 'lung' }],
    ['expired', first, second.record, Date.UTC(2026, 0, 31)],
    ['expired', first, second.record, Number.NaN],
    ['early', first, second.record, Date.UTC(2025, 11, 31)],
    ['withdrawn', first, { ...second.record, number: 13 }],
    [
      'withdrawn',
      first,
      { ...second.record, rollout: { id: 'r', number: 13, root: digest('b'), share: 1, include: [], exclude: [] } },
    ],
  ])('is refused as %s', (refusal, last, record, at = now) => {
    const withdrawn = (number: number) => number === 13
    expect(acceptAliasRecord(seen(last), seen(record), at, { withdrawn })).toEqual({ accepted: false, refusal })
  })

  it.each<[string, object]>([
    ['no alias', { alias: '' }],
    ['the reserved name in any case', { alias: 'LaTest' }],
    ['a name like a number', { alias: 'V12' }],
    ['a name beyond ASCII', { alias: 'prodüction' }],
    ['sequence 0', { sequence: 0 }],
    ['one before the first', { previous: digest('9') }],
    ['none before the second', { sequence: 2 }],
    ['an end before its beginning', { expires: first.at }],
    ['no reason', { reason: '' }],
    ['a member that nobody knows', { more: 1 }],
    ['a share of more than all', { rollout: { id: 'r', number: 8, root: digest('b'), share: 10_001 } }],
    [
      'a consumer on both lists',
      { rollout: { id: 'r', number: 8, root: digest('b'), share: 1, include: ['a'], exclude: ['a'] } },
    ],
  ])('is neither written nor read with %s', (_what, change) => {
    const record = { ...first, ...change }
    expect(() => aliasPayload(record)).toThrow(expect.objectContaining({ code: 'request.invalid' }))
    const sorted = utf8(JSON.stringify(record, Object.keys(record).sort()))
    expect(() => readAliasRecord(nodeCrypto, sorted)).toThrow(expect.objectContaining({ code: 'verify.failed' }))
  })

  it('is read in its canonical form only', () => {
    expect(() => readAliasRecord(nodeCrypto, utf8(JSON.stringify(first)))).toThrow('canonical')
  })
})

describe('a canary', () => {
  it.each([
    ['hospital-a', 706],
    ['hospital-b', 4741],
    ['hospital-c', 9223],
  ])('puts %s where the published example has it', (consumer, bucket) => {
    expect(canaryBucket(nodeCrypto, 'heart-risk', 'roll_1', consumer)).toBe(bucket)
  })

  it('takes those below its share, and whom it names before all', () => {
    const rollout = { id: 'roll_1', share: 4741, include: ['hospital-c'], exclude: ['hospital-a'] }
    const gets = (consumer: string, change: object = {}) =>
      getsChallenger(nodeCrypto, 'heart-risk', { ...rollout, ...change }, consumer)
    expect([gets('hospital-a'), gets('hospital-b'), gets('hospital-c')]).toEqual([false, false, true])
    expect(gets('hospital-b', { share: 4742 })).toBe(true)
    expect(gets('hospital-a', { exclude: [] })).toBe(true)
  })

  it('only gains consumers as its share grows, from nobody to all', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(text, fc.nat(10_000), fc.nat(10_000), (consumer, a, b) => {
        const gets = (share: number) =>
          getsChallenger(nodeCrypto, 'm', { id: 'r', share, include: [], exclude: [] }, consumer)
        expect([gets(0), gets(10_000)]).toEqual([false, true])
        if (gets(Math.min(a, b))) expect(gets(Math.max(a, b))).toBe(true)
      }),
    )
  })

  it('is what an alias means for its consumers only', () => {
    const rollout = { id: 'roll_1', number: 9, root: digest('b'), share: 1_000, include: [], exclude: [] }
    const record = { ...first, rollout }
    const stable = { number: 7, root: digest('a'), why: 'stable' }
    expect(resolveAlias(nodeCrypto, record, 'hospital-a')).toEqual({ number: 9, root: digest('b'), why: 'canary' })
    expect(resolveAlias(nodeCrypto, record, 'hospital-b')).toEqual(stable)
    expect(resolveAlias(nodeCrypto, record, undefined)).toEqual(stable)
    expect(resolveAlias(nodeCrypto, first, 'hospital-a')).toEqual(stable)
  })
})
