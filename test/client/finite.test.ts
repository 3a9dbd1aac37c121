import fc from 'fast-check'
import { expect, test } from 'vitest'
import { allFinite } from '../../client/training/finite.ts'

test('a vector is finite exactly where all of its values are', () => {
  fc.assert(fc.property(fc.float32Array(), (values) => allFinite(values) === values.every(Number.isFinite)))
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    expect(allFinite(Float32Array.of(1, -0, value))).toBe(false)
  }
})
