import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Random, randomOf, splitmix64 } from '../../core/random/random.ts'

describe('known answers', () => {
  // State and outputs of the C reference implementation, as published with the test ROM of edorfaus/xoshiro-6502.
  test('xoshiro128**', () => {
    const random = new Random([0x964d4a0c, 0xd40ab895, 0xad7fdecb, 0x3006f0f0])
    const outputs = Array.from({ length: 4 }, () => random.uint32())
    expect(outputs).toEqual([0xf1391922, 0x6fe53806, 0xa5be2840, 0xf510ee70])
  })

  // The first outputs of the C reference implementation for the seed 1234567.
  test('splitmix64', () => {
    const gamma = 0x9e3779b97f4a7c15n
    const outputs = [0n, 1n, 2n, 3n, 4n].map((i) => splitmix64(1234567n + i * gamma))
    expect(outputs).toEqual([
      6457827717110365317n,
      3203168211198807973n,
      9817491932198370423n,
      4593380528125082431n,
      16408922859458223821n,
    ])
  })

  test('the numbers of a seed and stream never change', () => {
    const random = randomOf(42, 'split')
    const drawn = [random.uint32(), random.uniform(), random.below(1000), random.normal(), random.normal()]
    expect(drawn).toEqual([228593814, 0.07912270728594895, 880, -0.3290896258599564, 0.7667439334923858])
    expect(randomOf(42, 'split').shuffle([0, 1, 2, 3, 4, 5, 6, 7])).toEqual([7, 4, 2, 5, 0, 1, 3, 6])
  })
})

test('streams and seeds differ, and the same ones agree', () => {
  const first = (seed: number, stream?: string) => randomOf(seed, stream).uint32()
  expect(
    new Set([first(1), first(2), first(1, 'a'), first(1, 'b'), first(2, 'a'), first(Number.MAX_SAFE_INTEGER)]).size,
  ).toBe(6)
  expect(first(1, 'a')).toBe(first(1, 'a'))
})

test('uniform numbers lie in [0, 1) with the mean and variance of the uniform distribution', () => {
  const random = randomOf(3)
  const drawn = Array.from({ length: 20_000 }, () => random.uniform())
  expect(Math.min(...drawn)).toBeGreaterThanOrEqual(0)
  expect(Math.max(...drawn)).toBeLessThan(1)
  expect(mean(drawn)).toBeCloseTo(0.5, 2)
  expect(mean(drawn.map((x) => (x - 0.5) ** 2))).toBeCloseTo(1 / 12, 2)
})

test('normal numbers have the moments and tails of the normal distribution', () => {
  const random = randomOf(4)
  const drawn = Array.from({ length: 50_000 }, () => random.normal())
  expect(Math.abs(mean(drawn))).toBeLessThan(0.02)
  expect(mean(drawn.map((x) => x ** 2))).toBeCloseTo(1, 1)
  expect(Math.abs(mean(drawn.map((x) => x ** 4)) - 3)).toBeLessThan(0.15)
  expect(drawn.filter((x) => Math.abs(x) < 1).length / drawn.length).toBeCloseTo(0.6827, 2)
  expect(drawn.filter((x) => x > 1.96).length / drawn.length).toBeCloseTo(0.025, 2)
})

test('below is even over its range', () => {
  const random = randomOf(5)
  const counts = new Array<number>(7).fill(0)
  for (let i = 0; i < 70_000; i++) counts[random.below(7)]!++
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(400)
})

test('a shuffle keeps all items, in arrays and in typed arrays', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 1000 })), fc.nat(), (items, seed) => {
      const sorted = [...items].sort((a, b) => a - b)
      expect([...randomOf(seed).shuffle([...items])].sort((a, b) => a - b)).toEqual(sorted)
      expect([...randomOf(seed).shuffle(Uint32Array.from(items))]).toEqual(randomOf(seed).shuffle([...items]))
    }),
  )
})

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
