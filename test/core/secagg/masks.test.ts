import { createCipheriv, hkdfSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { nodeCrypto } from '../../../core/crypto/node.ts'
import { portableCrypto } from '../../../core/crypto/portable.ts'
import { toHex, utf8 } from '../../../core/encoding/bytes.ts'
import { bucketSeed, bucketsOf, permutationOf, ringSeed, survivorsOf } from '../../../core/secagg/buckets.ts'
import { type MaskContext, maskArithmeticOf, pairKey, pairSign, selfKey } from '../../../core/secagg/masks.ts'
import { setHash, transcript } from '../../../core/secagg/transcript.ts'

const named = (name: string) => nodeCrypto.sha256(utf8(name))
const masks = maskArithmeticOf(nodeCrypto)
const context: MaskContext = {
  session: named('session').subarray(0, 16),
  configHash: named('configuration'),
  rosterHash: named('roster'),
}
const stream = (key: Uint8Array, lanes: number) => {
  const out = new Uint32Array(lanes)
  masks.addMasks([{ key, sign: 1 }], out)
  return out
}

describe('a transcript', () => {
  test('is the domain and the fields, each after its length', () => {
    expect(toHex(transcript('pair', 258, 'é', Uint8Array.of(7)))).toBe(
      `00000014${toHex(utf8('parley/secagg/1/pair'))}00000004000001020000000${'2c3a9'}0000000107`,
    )
  })

  test('tells ["ab", "c"] from ["a", "bc"]', () => {
    expect(setHash(nodeCrypto, ['ab', 'c'])).not.toEqual(setHash(nodeCrypto, ['a', 'bc']))
  })
})

describe('pitfall 1: masks', () => {
  const shared = named('shared')

  test('known answer: AES-256-CTR from block zero under HKDF-SHA-256, as node:crypto has them', () => {
    const info = transcript('pair', context.configHash, context.rosterHash, 3, 11)
    const key = new Uint8Array(hkdfSync('sha256', shared, context.session, info, 32))
    expect(pairKey(nodeCrypto, context, shared, 11, 3)).toEqual(key)
    const bytes = createCipheriv('aes-256-ctr', key, new Uint8Array(16)).update(new Uint8Array(40))
    const lanes = stream(key, 10)
    for (let i = 0; i < 10; i++) expect(lanes[i]).toBe(bytes.readUInt32LE(4 * i))
  })

  test('known answer: the first lanes of the all-zero key (AES-256 of a zero block: dc95c078a2408989ad48a21492842087)', () => {
    expect([...stream(new Uint8Array(32), 4)].map((lane) => lane.toString(16))).toEqual([
      '78c095dc',
      '898940a2',
      '14a248ad',
      '87208492',
    ])
  })

  test('both implementations of crypto make the same', () => {
    const lanes = new Uint32Array(40_001)
    maskArithmeticOf(portableCrypto).addMasks([{ key: shared, sign: 1 }], lanes)
    expect(lanes).toEqual(stream(shared, 40_001))
  })

  test('adding and taking away is nothing, at every offset and length', () => {
    const whole = stream(shared, 50_000)
    for (const [offset, length] of [
      [0, 1],
      [1, 7],
      [3, 16_384],
      [4, 16_385],
      [16_383, 20_000],
      [49_999, 1],
    ] as const) {
      const part = whole.slice(offset, offset + length)
      masks.addMasks([{ key: shared, sign: -1 }], part, offset)
      expect(part.every((lane) => lane === 0)).toBe(true)
    }
  })

  test('every byte of the key changes the stream', () => {
    const plain = stream(shared, 8)
    for (let i = 0; i < 32; i++) {
      const changed = shared.slice()
      changed[i]! ^= 1
      expect(stream(changed, 8).every((lane, j) => lane !== plain[j])).toBe(true)
    }
  })

  test('keys differ by session, configuration, roster, pair and purpose', () => {
    const other = named('other')
    const keys = [
      pairKey(nodeCrypto, context, shared, 1, 2),
      pairKey(nodeCrypto, { ...context, session: other.subarray(0, 16) }, shared, 1, 2),
      pairKey(nodeCrypto, { ...context, configHash: other }, shared, 1, 2),
      pairKey(nodeCrypto, { ...context, rosterHash: other }, shared, 1, 2),
      pairKey(nodeCrypto, context, shared, 1, 3),
      selfKey(nodeCrypto, context, shared, 1),
      selfKey(nodeCrypto, context, shared, 2),
    ]
    expect(new Set(keys.map(toHex)).size).toBe(keys.length)
    expect(pairKey(nodeCrypto, context, shared, 2, 1)).toEqual(keys[0])
    expect([pairSign(1, 2), pairSign(2, 1)]).toEqual([1, -1])
  })
})

test('pitfall 2: lanes are uniform over the whole range, the highest values too (chi-square)', () => {
  const lanes = stream(named('uniform'), 1 << 18)
  for (const shift of [24, 0]) {
    const counts = new Array<number>(256).fill(0)
    for (const lane of lanes) counts[(lane >>> shift) & 255]!++
    const expected = lanes.length / 256
    const chiSquare = counts.reduce((all, found) => all + (found - expected) ** 2 / expected, 0)
    // 255 degrees of freedom: 350 is beyond the 99.99 % quantile.
    expect(chiSquare).toBeLessThan(350)
    expect(counts[255]).toBeGreaterThan(0.85 * expected)
  }
  expect(lanes.some((lane) => lane > 2 ** 32 - 2 ** 16)).toBe(true)
})

describe('buckets', () => {
  const seed = named('seed')

  test('a permutation moves everything once, and each order is as likely as another', () => {
    expect([...permutationOf(nodeCrypto, seed, 1_000)].sort((a, b) => a - b)).toEqual(
      Array.from({ length: 1_000 }, (_, i) => i),
    )
    const counts = new Map<string, number>()
    for (let i = 0; i < 2_400; i++) {
      const order = permutationOf(nodeCrypto, named(`seed ${i}`), 4).join()
      counts.set(order, (counts.get(order) ?? 0) + 1)
    }
    expect(counts.size).toBe(24)
    const chiSquare = [...counts.values()].reduce((all, found) => all + (found - 100) ** 2 / 100, 0)
    expect(chiSquare).toBeLessThan(60)
  })

  test('have at least their size, and hold every member once', () => {
    for (const [members, size] of [
      [20, 8],
      [16, 8],
      [23, 5],
      [7, 8],
    ] as const) {
      const indices = Array.from({ length: members }, (_, i) => 3 * i)
      const buckets = bucketsOf(nodeCrypto, seed, indices, size)
      expect(buckets.length).toBe(Math.max(1, Math.floor(members / size)))
      expect(buckets.flat().sort((a, b) => a - b)).toEqual(indices)
      expect(Math.min(...buckets.map((bucket) => bucket.length))).toBeGreaterThanOrEqual(Math.min(size, members))
    }
  })

  test('with too few survivors are not opened', () => {
    const buckets = [
      [0, 3, 5],
      [1, 2, 4],
    ]
    expect(survivorsOf(buckets, new Set([0, 1, 3, 4, 5]), 3)).toEqual([0, 3, 5])
    expect(survivorsOf(buckets, new Set([0, 1, 3, 4, 5]), 2)).toEqual([0, 1, 3, 4, 5])
  })

  test('depend on every coin, the coordinator’s coin, the beacon and the roster; the ring has another seed', () => {
    const chance = { rosterHash: named('roster'), coin: named('coin'), beacon: new Uint8Array(0) }
    const coins = [named('a'), named('b')]
    const seeds = [
      bucketSeed(nodeCrypto, chance, coins),
      bucketSeed(nodeCrypto, chance, [...coins].reverse()),
      bucketSeed(nodeCrypto, chance, coins.slice(1)),
      bucketSeed(nodeCrypto, { ...chance, coin: named('x') }, coins),
      bucketSeed(nodeCrypto, { ...chance, beacon: named('x') }, coins),
      bucketSeed(nodeCrypto, { ...chance, rosterHash: named('x') }, coins),
      ringSeed(nodeCrypto, chance),
    ]
    expect(new Set(seeds.map(toHex)).size).toBe(seeds.length)
  })
})
