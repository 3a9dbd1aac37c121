import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nodeCrypto as crypto } from '../../core/crypto/node.ts'
import {
  opener,
  roundAgreementKey,
  type SealContext,
  sealedLength,
  sealer,
  segmentCount,
} from '../../core/crypto/seal.ts'
import { SEGMENT_BYTES } from '../../core/wire/limits.ts'

const secret = new Uint8Array(32).fill(5)
const oneTime = new Uint8Array(32).fill(6)
const context: SealContext = {
  run: 'run_1',
  round: 3,
  client: 'a',
  model: 'aa'.repeat(32),
  layout: 'bb'.repeat(32),
  plainBytes: 2 * SEGMENT_BYTES + 12,
}
const roundKey = roundAgreementKey(crypto, secret, 'run_1', 3)

function sealAll(plain: Uint8Array, sealContext = context) {
  const seal = sealer(crypto, roundKey.publicKey, oneTime, sealContext)
  const segments = Array.from({ length: segmentCount(plain.length) }, (_, index) => {
    const part = plain.subarray(index * SEGMENT_BYTES, (index + 1) * SEGMENT_BYTES)
    const sealed = new Uint8Array(part.length + 16)
    seal.segment(index, part, sealed)
    return sealed
  })
  return { publicKey: seal.publicKey, segments }
}

const plain = Uint8Array.from({ length: context.plainBytes }, (_, index) => index % 251)
const refused = expect.objectContaining({ code: 'update.seal-invalid' })

describe('a sealed update', () => {
  test('opens to what was sealed, each segment alone and in any order, and has the promised length', () => {
    const { publicKey, segments } = sealAll(plain)
    expect(segments.reduce((sum, segment) => sum + segment.length, 0)).toBe(sealedLength(context.plainBytes))
    const open = opener(crypto, roundKey, publicKey, context)
    for (const index of [2, 0, 1]) {
      const expected = plain.subarray(index * SEGMENT_BYTES, (index + 1) * SEGMENT_BYTES)
      expect(Buffer.compare(open.segment(index, segments[index]!), expected)).toBe(0)
    }
  })

  test('does not open in another place, nor shortened to look complete', () => {
    const { publicKey, segments } = sealAll(plain)
    const open = opener(crypto, roundKey, publicKey, context)
    expect(() => open.segment(1, segments[0]!)).toThrow(refused)
    expect(() => open.segment(0, segments[1]!)).toThrow(refused)
    const shorter = opener(crypto, roundKey, publicKey, { ...context, plainBytes: 2 * SEGMENT_BYTES })
    expect(() => shorter.segment(1, segments[1]!)).toThrow(refused)
  })

  test.each([
    ['run', { ...context, run: 'run_2' }],
    ['round', { ...context, round: 4 }],
    ['client', { ...context, client: 'b' }],
    ['model', { ...context, model: 'cc'.repeat(32) }],
    ['layout', { ...context, layout: 'cc'.repeat(32) }],
  ])('does not open for another %s', (_field, other) => {
    const { publicKey, segments } = sealAll(plain)
    expect(() => opener(crypto, roundKey, publicKey, other).segment(0, segments[0]!)).toThrow(refused)
  })

  test('does not open for another round key, and a one-time key of small order is refused', () => {
    const { publicKey, segments } = sealAll(plain)
    const otherKey = roundAgreementKey(crypto, secret, 'run_1', 4)
    expect(() => opener(crypto, otherKey, publicKey, context).segment(0, segments[0]!)).toThrow(refused)
    expect(() => opener(crypto, roundKey, new Uint8Array(32), context)).toThrow(refused)
    expect(() => opener(crypto, roundKey, new Uint8Array(0), context)).toThrow(refused)
  })

  test('any changed bit is found', () => {
    const small = { ...context, plainBytes: 40 }
    const { publicKey, segments } = sealAll(plain.subarray(0, 40), small)
    const open = opener(crypto, roundKey, publicKey, small)
    fc.assert(
      fc.property(fc.nat(segments[0]!.length - 1), fc.nat(7), (at, bit) => {
        const changed = segments[0]!.slice()
        changed[at]! ^= 1 << bit
        expect(() => open.segment(0, changed)).toThrow(refused)
      }),
    )
  })
})

test('round keys differ by run and round, and follow from the secret alone', () => {
  const keys = [
    roundAgreementKey(crypto, secret, 'run_1', 3),
    roundAgreementKey(crypto, secret, 'run_1', 4),
    roundAgreementKey(crypto, secret, 'run_2', 3),
    roundAgreementKey(crypto, oneTime, 'run_1', 3),
  ].map((key) => Buffer.from(key.publicKey).toString('hex'))
  expect(new Set(keys).size).toBe(4)
  expect(Buffer.from(roundKey.publicKey).toString('hex')).toBe(keys[0])
})
