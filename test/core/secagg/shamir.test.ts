import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nodeCrypto } from '../../../core/crypto/node.ts'
import { divide, exp, log, multiply } from '../../../core/secagg/field.ts'
import { type PointShare, recoverSecret } from '../../../core/secagg/recover.ts'
import { combineShares, interpolationOf, SECRET_BYTES, sharingBytes, splitSecret } from '../../../core/secagg/shamir.ts'

const random = (length: number) => nodeCrypto.randomBytes(length)
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1)
const element = fc.integer({ min: 0, max: 65_535 })

/** Multiplication as it is defined: shift, add, reduce. */
function slowly(a: number, b: number): number {
  let product = 0
  for (let bit = 0; bit < 16; bit++) if ((b >> bit) & 1) product ^= a << bit
  for (let bit = 31; bit >= 16; bit--) if ((product >>> bit) & 1) product ^= 0x1100b << (bit - 16)
  return product >>> 0
}

describe('the field', () => {
  test('is the one of 0x1100B, in which every element but 0 is a power of x', () => {
    expect(new Set(exp.subarray(0, 65_535)).size).toBe(65_535)
    expect(exp[log[12_345]!]).toBe(12_345)
    fc.assert(fc.property(element, element, (a, b) => multiply(a, b) === slowly(a, b)))
    fc.assert(fc.property(element, element, (a, b) => b === 0 || multiply(divide(a, b), b) === a))
  })
})

describe('shares', () => {
  const cohort = fc
    .integer({ min: 1, max: 40 })
    .chain((n) => fc.record({ n: fc.constant(n), t: fc.integer({ min: 1, max: n }) }))

  test('any threshold of them gives the secret', () => {
    fc.assert(
      fc.property(cohort, fc.infiniteStream(fc.nat()), ({ n, t }, keys) => {
        const points = upTo(n).map((i) => i * 1_601)
        const secret = random(SECRET_BYTES)
        const shares = splitSecret(secret, t, points, random(sharingBytes(t)))
        const order = points.map((_, i) => i).sort(() => (keys.next().value! % 3) - 1)
        const some = order.slice(0, t)
        const back = combineShares(
          interpolationOf(some.map((i) => points[i]!)),
          some.map((i) => shares[i]!),
        )
        expect(back).toEqual(secret)
      }),
      { numRuns: 60 },
    )
  })

  test('one fewer fits any secret at all', () => {
    const t = 5
    const points = upTo(7)
    const shares = splitSecret(random(SECRET_BYTES), t, points, random(sharingBytes(t)))
    const known = points.slice(0, t - 1)
    for (const claimed of [new Uint8Array(SECRET_BYTES), random(SECRET_BYTES), random(SECRET_BYTES)]) {
      // The share at point 7 that would make the secret `claimed`: Lagrange with the secret as one more value.
      const withoutClaim = combineShares(interpolationOf([...known, 7]), [
        ...shares.slice(0, t - 1),
        new Uint8Array(SECRET_BYTES),
      ])
      const missing = claimed.map((byte, i) => byte ^ withoutClaim[i]!)
      const { logs } = interpolationOf([...known, 7])
      const share = new Uint8Array(SECRET_BYTES)
      for (let at = 0; at < SECRET_BYTES; at += 2) {
        const value = divide((missing[at]! << 8) | missing[at + 1]!, exp[logs[t - 1]!]!)
        share[at] = value >> 8
        share[at + 1] = value & 255
      }
      expect(combineShares({ points: [...known, 7], logs }, [...shares.slice(0, t - 1), share])).toEqual(claimed)
    }
  })

  test('known answer: a line through the secret 0x0102… with slope 1', () => {
    const secret = Uint8Array.from({ length: SECRET_BYTES }, (_, i) => i + 1)
    const slope = Uint8Array.from({ length: SECRET_BYTES }, (_, i) => i & 1)
    const [one, two] = splitSecret(secret, 2, [1, 2], slope)
    expect([...one!.subarray(0, 4)]).toEqual([1, 3, 3, 5])
    expect([...two!.subarray(0, 4)]).toEqual([1, 0, 3, 6])
  })
})

describe('pitfall 12: duplicate or zero point, wrong length', () => {
  const split = (points: number[]) => () => splitSecret(random(SECRET_BYTES), 1, points, random(0))
  test.each([[[0, 1]], [[1, 1]], [[65_536]], [[-1]], [[1.5]], [[]]])('points %j are refused', (points) => {
    expect(split(points)).toThrow(RangeError)
    expect(() => interpolationOf(points)).toThrow(RangeError)
  })

  test('lengths and thresholds are checked before anything is computed', () => {
    expect(() => splitSecret(random(SECRET_BYTES - 1), 1, [1], random(0))).toThrow(RangeError)
    expect(() => splitSecret(random(SECRET_BYTES), 2, [1, 2], random(SECRET_BYTES - 1))).toThrow(RangeError)
    for (const t of [0, 3, 1.5])
      expect(() => splitSecret(random(SECRET_BYTES), t, [1, 2], random(SECRET_BYTES))).toThrow(RangeError)
    const two = interpolationOf([1, 2])
    expect(() => combineShares(two, [random(SECRET_BYTES)])).toThrow(RangeError)
    expect(() => combineShares(two, [random(SECRET_BYTES), random(SECRET_BYTES + 1)])).toThrow(RangeError)
  })
})

describe('recovery among liars', () => {
  const deal = (n: number, t: number) => {
    const secret = random(SECRET_BYTES)
    const shares = splitSecret(secret, t, upTo(n), random(sharingBytes(t)))
    const all: PointShare[] = shares.map((share, i) => ({ point: i + 1, share }))
    return { secret, all, valid: (found: Uint8Array) => found.every((byte, i) => byte === secret[i]) }
  }
  const lie = (all: PointShare[], points: number[]) =>
    all.map((one) => (points.includes(one.point) ? { point: one.point, share: random(SECRET_BYTES) } : one))

  test('decoding names up to half of the surplus', () => {
    const { secret, all, valid } = deal(90, 56)
    const liars = [1, 2, 5, 8, 13, 21, 34, 55, 56, 57, 60, 61, 62, 63, 64, 65, 66]
    const found = recoverSecret(lie(all, liars), 56, valid)
    expect(found).toEqual({ ok: true, secret, wrong: liars })
  })

  test('one changed bit is found', () => {
    const { secret, all, valid } = deal(9, 5)
    const share = all[2]!.share.slice()
    share[11]! ^= 4
    const found = recoverSecret([...all.slice(0, 2), { point: 3, share }, ...all.slice(3)], 5, valid)
    expect(found).toEqual({ ok: true, secret, wrong: [3] })
  })

  test('with less surplus, subsets are tried', () => {
    const { secret, all, valid } = deal(6, 4)
    expect(recoverSecret(lie(all, [1, 3]), 4, valid)).toEqual({ ok: true, secret, wrong: [1, 3] })
    expect(recoverSecret(lie(all, [1, 2, 3]), 4, valid)).toEqual({ ok: false })
  })

  test('too few shares give nothing', () => {
    const { all, valid } = deal(6, 4)
    expect(recoverSecret(all.slice(0, 3), 4, valid)).toEqual({ ok: false })
  })
})
