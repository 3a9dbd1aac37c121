import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { batchTaker, poissonSampler } from '../../../client/training/records/poisson-batches.ts'
import { seededBytes } from '../../core/privacy/seeded-bytes.ts'

const draws = (rows: number, rate: number, times: number, seed = 'poisson') => {
  const draw = poissonSampler(rows, rate, seededBytes(seed))
  return Array.from({ length: times }, () => [...draw()])
}

describe('the sampler', () => {
  test('draws batches whose size has the mean and the variance of so many coins', () => {
    const [rows, rate, times] = [400, 0.05, 4_000]
    const sizes = draws(rows, rate, times).map(({ length }) => length)
    const mean = sizes.reduce((a, b) => a + b) / times
    const variance = sizes.reduce((sum, size) => sum + (size - mean) ** 2, 0) / (times - 1)
    // Five standard errors of each.
    expect(Math.abs(mean - rows * rate)).toBeLessThan(5 * Math.sqrt((rows * rate * (1 - rate)) / times))
    expect(Math.abs(variance / (rows * rate * (1 - rate)) - 1)).toBeLessThan(5 * Math.sqrt(2 / times))
  })

  test('draws each row as often as any other, in whichever batch its neighbours and its last draw are', () => {
    const [rows, rate, times] = [20, 0.3, 8_000]
    const seen = draws(rows, rate, times).map((batch) =>
      Array.from({ length: rows }, (_, row) => Number(batch.includes(row))),
    )
    const share = (has: (batch: number[], t: number) => boolean) => seen.filter(has).length / times
    const near = (value: number, expected: number) =>
      expect(Math.abs(value - expected)).toBeLessThan(5 * Math.sqrt((expected * (1 - expected)) / times))
    for (let row = 0; row < rows; row++) {
      near(
        share((batch) => batch[row] === 1),
        rate,
      )
      near(
        share((batch) => batch[row] === 1 && batch[(row + 1) % rows] === 1),
        rate ** 2,
      )
      near(
        share((batch, t) => batch[row] === 1 && seen[(t + 1) % times]![row] === 1),
        rate ** 2,
      )
    }
  })

  test('draws empty batches, and with a rate of 1 every row', () => {
    expect(draws(3, 0.1, 50).some(({ length }) => length === 0)).toBe(true)
    expect(draws(5, 1, 3)).toEqual(Array(3).fill([0, 1, 2, 3, 4]))
  })

  test('takes its coins from the generator alone: other bytes, other batches', () => {
    expect(draws(100, 0.5, 3)).toEqual(draws(100, 0.5, 3))
    expect(draws(100, 0.5, 3, 'other')).not.toEqual(draws(100, 0.5, 3))
    const draw = poissonSampler(1_000, 0.5, randomBytes)
    expect([...draw()]).not.toEqual([...draw()])
  })

  test.each([0, -0.1, 1.1, Number.NaN])('refuses a rate of %d', (rate) => {
    expect(() => poissonSampler(3, rate, randomBytes)).toThrow(RangeError)
  })
})

test('what was drawn is taken in parts, each row with its label', () => {
  const examples = {
    rows: 5,
    features: Float32Array.from([0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5]),
    labels: Int32Array.from([9, 8, 7, 6, 5]),
  }
  const take = batchTaker(examples, 2, 2)
  const parts = (rows: number[]) =>
    Array.from(take(Uint32Array.from(rows)), (one) => ({
      rows: one.rows,
      features: [...one.features],
      labels: [...one.labels],
    }))
  expect(parts([0, 2, 4])).toEqual([
    { rows: 2, features: [0, 0.5, 2, 2.5], labels: [9, 7] },
    { rows: 1, features: [4, 4.5], labels: [5] },
  ])
  expect(parts([])).toEqual([])
})
