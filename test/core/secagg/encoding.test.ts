import { createCipheriv } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nodeCrypto } from '../../../core/crypto/node.ts'
import { utf8 } from '../../../core/encoding/bytes.ts'
import { checksumKey, checksumOf } from '../../../core/secagg/checksum.ts'
import { type SessionConfiguration, sessionConfigurationSchema } from '../../../core/secagg/configuration.ts'
import { decodeSum, encodeInput, type Input, laneCount, vectorBytes } from '../../../core/secagg/encoding.ts'
import { bytesOf, configurationOf } from './support.ts'

const key = checksumKey(nodeCrypto, nodeCrypto.sha256(utf8('a configuration')))
const encode = (configuration: SessionConfiguration, input: Input) =>
  encodeInput(nodeCrypto, configuration, key, input, nodeCrypto.randomBytes)
const decode = (configuration: SessionConfiguration, lanes: Uint32Array, contributors: number) =>
  decodeSum(nodeCrypto, configuration, key, lanes, contributors)
const sum = (vectors: readonly Uint32Array[]) => {
  const out = new Uint32Array(vectors[0]!.length)
  for (const vector of vectors) for (const [j, lane] of vector.entries()) out[j]! += lane
  return out
}

describe('encode and decode', () => {
  test('give the weighted mean back, within one step of quantisation and float32', () => {
    const values = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 9, maxLength: 9 })
    const client = fc.record({ values, weight: fc.integer({ min: 1, max: 100 }) })
    fc.assert(
      fc.property(fc.array(client, { minLength: 1, maxLength: 5 }), (clients) => {
        const configuration = configurationOf()
        const inputs = clients.map((one) => ({ values: Float64Array.from(one.values), weight: one.weight }))
        const result = decode(configuration, sum(inputs.map((input) => encode(configuration, input))), clients.length)
        if (!result.ok) throw new Error(result.failure)
        const total = clients.reduce((all, { weight }) => all + weight, 0)
        expect(result.weight).toBe(total)
        for (let j = 0; j < 9; j++) {
          const mean = clients.reduce((all, one) => all + one.weight * one.values[j]!, 0) / total
          expect(Math.abs(result.mean[j]! - mean)).toBeLessThan(2 / 65_535 + 1e-6)
        }
      }),
    )
  })

  test('rounding is unbiased, and its deviation is at most c/(2^b − 1)', () => {
    const configuration = configurationOf({ coordinates: 100_000, bits: 4, clip: 3 })
    for (const value of [0.1234, -2.9, 2.95, 0.2]) {
      const lanes = encode(configuration, { values: new Float64Array(100_000).fill(value), weight: 1 })
      const result = decode(configuration, lanes, 1)
      if (!result.ok) throw new Error(result.failure)
      const mean = result.mean.reduce((all, one) => all + one, 0) / 100_000
      const deviation = Math.sqrt(result.mean.reduce((all, one) => all + (one - value) ** 2, 0) / 100_000)
      expect(deviation).toBeLessThan((3 / 15) * 1.01)
      expect(Math.abs(mean - value)).toBeLessThan((5 * 0.2) / Math.sqrt(100_000))
    }
  })

  test('both ends of the range are exact, for every number of bits', () => {
    for (let bits = 2; bits <= 24; bits++) {
      const configuration = configurationOf({ bits, weight: { min: 1, max: 1 }, coordinates: 4 })
      const lanes = encode(configuration, { values: Float64Array.of(1, -1, 7, -7), weight: 1 })
      expect([...lanes.subarray(1, 5)]).toEqual([2 ** bits - 1, 0, 2 ** bits - 1, 0])
    }
  })

  test('extras are summed exactly', () => {
    const configuration = configurationOf({
      extras: [
        { name: 'unclipped', max: 1 },
        { name: 'rows', max: 800_000_000 },
      ],
    })
    const input = (unclipped: number, rows: number) =>
      encode(configuration, { values: new Float32Array(9), weight: 3, extras: [unclipped, rows] })
    const result = decode(configuration, sum([input(1, 800_000_000), input(0, 3), input(1, 700_000_001)]), 3)
    expect(result).toMatchObject({ ok: true, weight: 9, extras: [2, 1_500_000_004] })
  })

  test('noise on both sides of zero survives, and integers around the ends of the range decode', () => {
    const configuration = configurationOf({ weight: { min: 1, max: 1 }, bits: 8, noiseBound: 1_000 })
    const values = Int32Array.of(-128, -128, -128, 126, 127, 127, 127, 0, 0)
    const noise = Int32Array.of(-1_000, 1_000, 0, 0, 1_000, -1_000, 0, 17, -17)
    const lanes = sum([
      encode(configuration, { values, weight: 1, noise }),
      encode(configuration, { values, weight: 1, noise }),
    ])
    const result = decode(configuration, lanes, 2)
    if (!result.ok) throw new Error(result.failure)
    const step = 2 / 255
    for (const [j, value] of values.entries()) expect(result.mean[j]).toBeCloseTo((value + noise[j]!) * step, 5)
  })

  test('integers beyond the range are cut to it, and zero is zero', () => {
    const configuration = configurationOf({ weight: { min: 1, max: 1 }, bits: 4, noiseBound: 1, coordinates: 3 })
    const lanes = encode(configuration, { values: Int32Array.of(-90, 0, 90), weight: 1 })
    expect(decode(configuration, lanes, 1)).toMatchObject({ ok: true, mean: Float32Array.of(-16 / 15, 0, 14 / 15) })
  })

  test('the mean of a sum of noise is the noise: no value is cut at the ends', () => {
    const configuration = configurationOf({ weight: { min: 1, max: 1 }, bits: 2, noiseBound: 50, coordinates: 1 })
    for (let z = -50; z <= 50; z++) {
      const lanes = encode(configuration, { values: Int32Array.of(-2), weight: 1, noise: Int32Array.of(z) })
      const decoded = decode(configuration, lanes, 1)
      expect(decoded.ok && decoded.mean[0]).toBeCloseTo(((z - 2) * 2) / 3, 5)
    }
  })

  test('sizes: four bytes for each coordinate and twelve more', () => {
    expect(laneCount(configurationOf())).toBe(12)
    expect(vectorBytes(configurationOf({ coordinates: 100_000 }))).toBe(400_012)
  })
})

describe('what a client may not encode', () => {
  const values = new Float64Array(9)
  const refused: [string, Input, Partial<SessionConfiguration>?][] = [
    ['a weight of 0', { values, weight: 0 }],
    ['pitfall 9: a weight above the limit', { values, weight: 101 }],
    ['a fractional weight', { values, weight: 1.5 }],
    ['too few values', { values: values.subarray(1), weight: 1 }],
    ['NaN', { values: new Float64Array(9).fill(Number.NaN), weight: 1 }],
    ['infinity', { values: new Float64Array(9).fill(Number.NEGATIVE_INFINITY), weight: 1 }],
    ['noise without a bound', { values, weight: 1, noise: new Int32Array(9).fill(1) }],
    ['real numbers where there is noise', { values, weight: 1 }, { noiseBound: 3 }],
    ['integers where there is none', { values: new Int32Array(9), weight: 1 }],
    [
      'noise beyond its bound',
      { values: new Int32Array(9), weight: 1, noise: new Int32Array(9).fill(-4) },
      { noiseBound: 3 },
    ],
    ['extras that nobody asked for', { values, weight: 1, extras: [1] }],
    ['an extra above its maximum', { values, weight: 1, extras: [2] }, { extras: [{ name: 'x', max: 1 }] }],
    ['a missing extra', { values, weight: 1 }, { extras: [{ name: 'x', max: 1 }] }],
  ]
  test.each(refused)('%s', (_, input, change) => {
    expect(() => encode(configurationOf(change), input)).toThrow(RangeError)
  })
})

describe('a sum that cannot be one', () => {
  const configuration = configurationOf({ extras: [{ name: 'x', max: 4 }] })
  const input = { values: new Float64Array(9).fill(0.5), weight: 50, extras: [3] }
  const honest = () => sum([encode(configuration, input), encode(configuration, input), encode(configuration, input)])

  test('pitfall 9: total weight out of range', () => {
    expect(decode(configuration, honest(), 1)).toEqual({ ok: false, failure: 'weight-out-of-range' })
    const inflated = honest()
    inflated[0] = 301
    expect(decode(configuration, inflated, 3)).toEqual({ ok: false, failure: 'weight-out-of-range' })
    const negative = honest()
    negative[0] = -1
    expect(decode(configuration, negative, 3)).toEqual({ ok: false, failure: 'weight-out-of-range' })
  })

  test('a lane above Σw·(2^b − 1), also one that wrapped round', () => {
    for (const value of [150 * 65_535 + 1, -1, 2 ** 31]) {
      const lanes = honest()
      lanes[4] = value
      expect(decode(configuration, lanes, 3)).toEqual({ ok: false, failure: 'lane-out-of-range' })
    }
  })

  test('an extra above its sum', () => {
    const lanes = honest()
    lanes[10] = 13
    expect(decode(configuration, lanes, 3)).toEqual({ ok: false, failure: 'extra-out-of-range' })
  })

  test('every single changed bit is noticed', () => {
    const lanes = honest()
    for (let j = 0; j < lanes.length; j++) {
      for (let bit = 0; bit < 32; bit++) {
        const spoiled = lanes.slice()
        spoiled[j]! ^= 1 << bit
        expect(decode(configuration, spoiled, 3).ok).toBe(false)
      }
    }
  })

  test('a lost or doubled input is noticed where weights do not tell', () => {
    const one = encode(configuration, input)
    const lanes = honest().map((lane, j) => (j === 0 ? lane : lane + one[j]!))
    expect(decode(configuration, lanes, 3).ok).toBe(false)
  })

  test('a wrong length is refused before it is read', () => {
    expect(() => decode(configuration, new Uint32Array(12), 3)).toThrow(RangeError)
  })

  test('known answer: checks of lanes 1, 2, 3 …, from node:crypto and big integers', () => {
    const lanes = Uint32Array.from({ length: 20_000 }, (_, i) => i + 1)
    const seed = nodeCrypto.sha256(utf8('checksum'))
    const stream = createCipheriv('aes-256-ctr', seed, new Uint8Array(16)).update(new Uint8Array(8 * lanes.length))
    const sums = [0n, 0n]
    for (const [j, lane] of lanes.entries()) {
      for (const m of [0, 1]) sums[m]! += BigInt(stream.readUInt32LE(8 * j + 4 * m) | 1) * BigInt(lane)
    }
    expect(checksumOf(nodeCrypto, seed, lanes)).toEqual(sums.map((sum) => Number(BigInt.asUintN(32, sum))))
    expect(checksumOf(nodeCrypto, seed, lanes)).toEqual([957_004_238, 3_253_306_108])
  })

  test('checks are linear', () => {
    const random = bytesOf('linear')
    const [a, b] = [new Uint32Array(random(400).buffer), new Uint32Array(random(400).buffer)]
    const of = (lanes: Uint32Array) => checksumOf(nodeCrypto, key, lanes)
    expect(of(sum([a, b]))).toEqual([(of(a)[0] + of(b)[0]) >>> 0, (of(a)[1] + of(b)[1]) >>> 0])
  })
})

describe('a configuration with room for wrap-around', () => {
  test.each<[string, Partial<SessionConfiguration>]>([
    ['weights and bits', { cohort: 656, bits: 16, weight: { min: 1, max: 100 } }],
    ['noise', { noiseBound: 430_000_000, weight: { min: 1, max: 100 } }],
    ['extras', { extras: [{ name: 'x', max: 900_000_000 }] }],
  ])('by %s is refused', (_, change) => {
    expect(sessionConfigurationSchema.safeParse(configurationOf(change)).success).toBe(false)
  })

  test('just below is not', () => {
    for (const change of [
      { cohort: 655 },
      { noiseBound: 420_000_000, bits: 8 },
      { extras: [{ name: 'x', max: 858_993_459 }] },
    ]) {
      expect(sessionConfigurationSchema.safeParse(configurationOf(change)).error).toBeUndefined()
    }
  })
})
