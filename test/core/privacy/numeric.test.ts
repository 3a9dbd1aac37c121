import { describe, expect, test } from 'vitest'
import { erf, erfc, erfcx, logErfc } from '../../../core/privacy/numeric/erfc.ts'
import { exactFraction, fixedExp, logOfFixed } from '../../../core/privacy/numeric/fixed-point.ts'
import { LogSum, logBinomials, logExpMinusOne, logOnePlusExp } from '../../../core/privacy/numeric/log-sum.ts'
import { logNormalCdf, normalBetween, normalCdf } from '../../../core/privacy/numeric/normal.ts'
import { fallingRoot } from '../../../core/privacy/numeric/root.ts'

describe('the error function', () => {
  // NIST Digital Library of Mathematical Functions, table 7.23 and Abramowitz and Stegun, tables 7.1 and 7.3.
  test.each([
    [0.1, 0.1124629160182849],
    [0.5, 0.5204998778130465],
    [1, 0.8427007929497149],
    [2, 0.9953222650189527],
    [3, 0.9999779095030014],
  ])('erf %d', (x, value) => {
    expect(Math.abs(erf(x) / value - 1)).toBeLessThan(4e-16)
    expect(erf(-x)).toBe(-erf(x))
    expect(erfc(x)).toBeCloseTo(1 - value, 15)
  })

  test('far out', () => {
    expect(erfc(5) / 1.5374597944280349e-12).toBeCloseTo(1, 14)
    expect(erfc(10) / 2.088487583762545e-45).toBeCloseTo(1, 13)
    expect(erfc(28)).toBe(0)
    expect(erfc(Number.POSITIVE_INFINITY)).toBe(0)
    expect(erfc(Number.NEGATIVE_INFINITY)).toBe(2)
    // The asymptotic series: −x² − ln(x√π) + ln(1 − 1/(2x²) + 3/(4x⁴)).
    const series = Math.log1p(-5e-5 + 7.5e-9)
    expect(logErfc(100)).toBeCloseTo(-10_000 - Math.log(100 * Math.sqrt(Math.PI)) + series, 9)
    expect(erfcx(1e3) * 1e3 * Math.sqrt(Math.PI)).toBeCloseTo(1, 6)
  })
})

test('the normal distribution between any two points, in the tail as well', () => {
  expect(normalCdf(-1.959963984540054)).toBeCloseTo(0.025, 15)
  expect(normalBetween(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)).toBe(1)
  expect(normalBetween(8, 9) / normalBetween(-9, -8)).toBe(1)
  expect(normalBetween(8, Number.POSITIVE_INFINITY) / 6.220960574271785e-16).toBeCloseTo(1, 12)
  expect(logNormalCdf(-40)).toBeCloseTo(-804.608442013754, 9)
})

describe('logarithms', () => {
  test('a sum of numbers that no double holds', () => {
    const sum = new LogSum()
    expect(sum.value).toBe(Number.NEGATIVE_INFINITY)
    for (const x of [1000, 1001, 999]) sum.add(x)
    expect(sum.value).toBeCloseTo(1001 + Math.log(1 + Math.exp(-1) + Math.exp(-2)), 12)
  })

  test('of 1 + e^x and e^x − 1', () => {
    expect(logOnePlusExp(-40) / Math.exp(-40)).toBeCloseTo(1, 14)
    expect(logOnePlusExp(800)).toBe(800)
    expect(logExpMinusOne(1e-9)).toBeCloseTo(Math.log(1e-9), 8)
    expect(logExpMinusOne(800)).toBe(800)
  })

  test('of binomials', () => {
    expect([...logBinomials(5)].map((log) => Math.round(Math.exp(log)))).toEqual([1, 5, 10, 10, 5, 1])
  })
})

describe('fixed point', () => {
  test.each([
    [0n, 1n],
    [1n, 3n],
    [-1n, 3n],
    [50n, 1n],
    [-50n, 1n],
    [-7n, 1024n],
  ])('e^(%d/%d)', (numerator, denominator) => {
    const log = logOfFixed(fixedExp(numerator, denominator, 256), 256)
    expect(log).toBeCloseTo(Number(numerator) / Number(denominator), 13)
  })

  test('e to 60 digits', () => {
    const e = 2718281828459045235360287471352662497757247093699959574966967n
    const scaled = (fixedExp(1n, 1n, 256) * 10n ** 60n) >> 256n
    expect(scaled - e < 2n && e - scaled < 2n).toBe(true)
  })

  test('a double is a fraction', () => {
    expect(exactFraction(0.75)).toEqual({ numerator: 3n, shift: 2 })
    const { numerator, shift } = exactFraction(0.1)
    expect(Number(numerator) / 2 ** shift).toBe(0.1)
  })
})

describe('roots of falling functions', () => {
  test('come back on the safe side, within the tolerance', () => {
    const falling = [
      (x: number) => 2 - x,
      (x: number) => 1 / x - 0.5,
      (x: number) => (x < 2 ? 1 : -1e-9),
      (x: number) => Math.exp(20 * (2 - x)) - 1,
    ]
    for (const f of falling) {
      const root = fallingRoot(f, { low: 0.1, high: 50 }, 1e-9)
      expect(f(root)).toBeLessThanOrEqual(0)
      expect(Math.abs(root - 2)).toBeLessThanOrEqual(1e-9)
    }
  })

  test('without a bracket there is none', () => {
    expect(() => fallingRoot((x) => x, { low: 1, high: 2 }, 1e-9)).toThrow(RangeError)
  })
})
