import { describe, expect, test } from 'vitest'
import { randomOf } from '../../core/random/random.ts'
import { featureShiftSchema, shifted, shiftOf } from '../../sim/partition/feature-shift.ts'

const none = { turns: 0, contrast: 1, brightness: 0, deviation: 0 }
const image = (...values: number[]) => ({ rows: 1, features: Float32Array.from(values), labels: Int32Array.of(3) })
const turned = (turns: number, shape: number[], ...values: number[]) => [
  ...shifted(image(...values), shape, { ...none, turns }, randomOf(1)).features,
]

describe('images turn counter-clockwise', () => {
  test.each([
    [0, [1, 2, 3, 4]],
    [1, [2, 4, 1, 3]],
    [2, [4, 3, 2, 1]],
    [3, [3, 1, 4, 2]],
  ])('by %d quarters', (turns, expected) => {
    expect(turned(turns, [2, 2, 1], 1, 2, 3, 4)).toEqual(expected)
  })

  test('with their channels', () => {
    expect(turned(1, [2, 2, 2], 1, -1, 2, -2, 3, -3, 4, -4)).toEqual([2, -2, 4, -4, 1, -1, 3, -3])
  })

  test('unless they are no squares', () => {
    expect(() => turned(1, [1, 2, 1], 1, 2)).toThrow(/1 × 2 × 1/)
    expect(() => turned(2, [4], 1, 2, 3, 4)).toThrow(/only square images/)
    expect(turned(0, [4], 1, 2, 3, 4)).toEqual([1, 2, 3, 4])
  })
})

test('contrast, brightness and noise change features and nothing else', () => {
  const examples = image(1, 2)
  const out = shifted(examples, [2], { ...none, contrast: 2, brightness: -1 }, randomOf(1))
  expect([...out.features]).toEqual([1, 3])
  expect(out.labels).toBe(examples.labels)
  expect([...examples.features]).toEqual([1, 2])
  const many = { rows: 10_000, features: new Float32Array(10_000), labels: new Int32Array(10_000) }
  const noisy = shifted(many, [1], { ...none, deviation: 3 }, randomOf(1)).features
  expect(noisy.reduce((sum, x) => sum + x * x, 0) / noisy.length).toBeCloseTo(9, 0)
})

describe('a client’s shift', () => {
  const shift = featureShiftSchema.parse({ turns: 4, contrast: 0.3, brightness: 0.2, noise: 0.5 })
  const of = (client: number) => shiftOf(shift, { client, clients: 10, random: randomOf(client, 'shift') })

  test('is its own, and always the same', () => {
    const all = Array.from({ length: 10 }, (_, client) => of(client))
    expect(all.map(({ turns }) => turns)).toEqual([0, 1, 2, 3, 0, 1, 2, 3, 0, 1])
    expect(new Set(all.map(({ contrast }) => contrast)).size).toBe(10)
    for (const { contrast, brightness } of all) {
      expect(Math.abs(contrast - 1)).toBeLessThanOrEqual(0.3)
      expect(Math.abs(brightness)).toBeLessThanOrEqual(0.2)
    }
    expect(all[9]!.deviation ** 2).toBeCloseTo(0.5, 12)
    expect(all[0]!.deviation ** 2).toBeCloseTo(0.05, 12)
    expect(of(3)).toEqual(all[3])
  })

  test('is nothing by default', () => {
    expect(shiftOf(featureShiftSchema.parse({}), { client: 3, clients: 5, random: randomOf(1) })).toEqual(none)
  })
})
