import { describe, expect, test } from 'vitest'
import { gaussianDelta, gaussianEpsilon } from '../../../core/privacy/accounting/analytic-gaussian.ts'
import { sampledGaussianLoss } from '../../../core/privacy/accounting/pld/cells.ts'
import { composeLosses } from '../../../core/privacy/accounting/pld/compose.ts'
import { lossDelta, lossEpsilon } from '../../../core/privacy/accounting/pld/loss-distribution.ts'
import { composedLoss, pldDelta, pldEpsilon } from '../../../core/privacy/accounting/pld/pld.ts'
import { windowOf } from '../../../core/privacy/accounting/pld/window.ts'
import { Fft } from '../../../core/privacy/numeric/fft.ts'
import { fixtures, missing } from './fixtures.ts'

const epsilon = (rate: number, multiplier: number, rounds: number, delta: number) =>
  pldEpsilon(composedLoss([{ rate, multiplier, rounds }]), delta)

describe.skipIf(missing)('reference numbers', () => {
  test.each(fixtures.poissonGaussian.rows)('Poisson-sampled Gaussian, q $q, z $z, T $T', (row) => {
    const value = epsilon(row.q, row.z, row.T, row.delta)
    expect(value).toBeGreaterThanOrEqual(row.epsPldFine - 1e-5)
    expect(value).toBeLessThanOrEqual(row.epsPld + 1e-5)
  })

  test.each(fixtures.singleGaussian.rows)('one Gaussian, z $z: never below the closed form', (row) => {
    const value = epsilon(1, row.z, 1, row.delta)
    expect(value).toBeGreaterThanOrEqual(row.epsAnalytic)
    expect(value).toBeLessThanOrEqual(row.epsAnalytic + 1e-7)
    expect(Math.abs(gaussianEpsilon(row.z, row.delta) - row.epsAnalytic)).toBeLessThan(1e-9)
  })
})

describe('trap 10', () => {
  test('not rounded up cell by cell: 14,062 rounds stay where they belong, in little time', () => {
    const start = performance.now()
    const value = epsilon(256 / 60_000, 1.1, 14_062, 1e-5)
    expect(performance.now() - start).toBeLessThan(3000)
    // Rounding up gives 3.0847.
    expect(value).toBeGreaterThan(2.38159)
    expect(value).toBeLessThan(2.3817)
  })

  test('both directions count: each is the larger one somewhere', () => {
    const loss = composedLoss([{ rate: 0.1, multiplier: 1, rounds: 20 }])
    expect(lossEpsilon(loss.remove, 1e-6)).toBeGreaterThan(lossEpsilon(loss.add, 1e-6) + 0.01)
    expect(pldEpsilon(loss, 1e-6)).toBe(lossEpsilon(loss.remove, 1e-6))
    expect(lossDelta(loss.add, 0)).toBeCloseTo(lossDelta(loss.remove, 0), 6)
  })

  test('what a narrow window wraps around is never optimistic', () => {
    const loss = sampledGaussianLoss({ rate: 1, multiplier: 3 }, 1e-3)
    const parts = [{ loss, times: 9 }]
    const window = windowOf([{ loss: loss.remove, times: 9 }], 1e-15)
    // Nine rounds of z = 3 are one of z = 1: losses around ½ with standard deviation 1.
    expect(window.high).toBeGreaterThan(0.5 + 7.9)
    expect(window.low).toBeLessThan(0.5 - 7.9)
    expect(window.high).toBeLessThan(0.5 + 10)
    const composed = composeLosses(parts, { remove: window, add: window }, 1e-3)
    for (const delta of [1e-3, 1e-6, 1e-9]) {
      const exact = gaussianEpsilon(1, delta)
      expect(lossEpsilon(composed.remove, delta)).toBeGreaterThanOrEqual(exact)
      expect(lossEpsilon(composed.remove, delta)).toBeLessThan(exact + 1e-4)
    }
  })
})

test('one sampled round is amplified exactly: δ(ε) = q·δ_Gauss(ln(1 + (e^ε − 1)/q)), never below it', () => {
  for (const [rate, multiplier] of [
    [0.01, 1],
    [0.3, 0.7],
    [0.001, 0.5],
  ] as const) {
    const { remove } = composedLoss([{ rate, multiplier, rounds: 1 }])
    for (const at of [0.1, 0.50003, 2]) {
      const exact = rate * gaussianDelta(multiplier, Math.log1p(Math.expm1(at) / rate))
      expect(lossDelta(remove, at) / exact).toBeGreaterThan(1 - 1e-13)
      expect(lossDelta(remove, at) / exact).toBeLessThan(1 + 1e-6)
    }
  }
})

describe('composition', () => {
  test('of unsampled rounds is the closed form, never below it', () => {
    for (const rounds of [2, 16, 100]) {
      const loss = composedLoss([{ rate: 1, multiplier: 2 * Math.sqrt(rounds), rounds }])
      for (const delta of [1e-3, 1e-6, 1e-10]) {
        expect(pldEpsilon(loss, delta)).toBeGreaterThanOrEqual(gaussianEpsilon(2, delta))
        expect(pldEpsilon(loss, delta)).toBeLessThan(gaussianEpsilon(2, delta) + (delta < 1e-9 ? 1e-4 : 1e-5))
      }
      for (const at of [0, 0.5, 2]) expect(pldDelta(loss, at) / gaussianDelta(2, at)).toBeCloseTo(1, 4)
    }
  })

  test('of two halves is the whole', () => {
    const half = { rate: 0.02, multiplier: 1.2, rounds: 300 }
    const halves = composedLoss([half, half])
    const whole = composedLoss([{ ...half, rounds: 600 }])
    for (const delta of [1e-4, 1e-7]) expect(pldEpsilon(halves, delta)).toBeCloseTo(pldEpsilon(whole, delta), 8)
  })

  test('of different parts lies between those of each part alone', () => {
    const a = { rate: 0.02, multiplier: 1.2, rounds: 100 }
    const b = { rate: 0.05, multiplier: 1, rounds: 100 }
    const mixed = pldEpsilon(composedLoss([a, b]), 1e-5)
    expect(mixed).toBeGreaterThan(pldEpsilon(composedLoss([{ ...a, rounds: 200 }]), 1e-5))
    expect(mixed).toBeLessThan(pldEpsilon(composedLoss([{ ...b, rounds: 200 }]), 1e-5))
  })

  test('masses add up to 1, and e^−l weighs them to the other output', () => {
    for (const rate of [0.01, 0.5, 1]) {
      const { remove, add } = sampledGaussianLoss({ rate, multiplier: 0.9 }, 1e-3)
      for (const { masses, infinite, first, interval } of [remove, add]) {
        let sum = infinite
        let other = 0
        expect(masses.findIndex((mass) => !(mass >= 0))).toBe(-1)
        masses.forEach((mass, i) => {
          sum += mass
          other += mass * Math.exp(-(first + i) * interval)
        })
        expect(sum).toBeCloseTo(1, 13)
        expect(other).toBeCloseTo(1, 11)
      }
    }
  })

  test('little noise and many rounds get a coarser grid, not an endless one', () => {
    const loss = composedLoss([{ rate: 0.01, multiplier: 0.11, rounds: 3 }])
    expect(loss.remove.interval).toBeGreaterThan(1e-4)
    expect(pldEpsilon(loss, 1e-6)).toBeGreaterThan(50)
    expect(epsilon(1e-4, 0.6, 1e6, 1e-6)).toBeGreaterThan(1)
  })
})

test('the queries of a distribution are inverse to each other', () => {
  const loss = { interval: 0.5, first: -1, masses: Float64Array.of(0.2, 0.3, 0.3, 0.1), infinite: 0.1 }
  for (const at of [0.1, 0.25, 0.45]) expect(lossEpsilon(loss, lossDelta(loss, at))).toBeCloseTo(at, 12)
  expect(lossEpsilon(loss, 0.09)).toBe(Number.POSITIVE_INFINITY)
  expect(lossEpsilon(loss, 0.9)).toBe(0)
})

test('the transform is the discrete Fourier transform, and its inverse undoes it', () => {
  const n = 16
  const re = Float64Array.from({ length: n }, (_, i) => Math.sin(i * i))
  const im = Float64Array.from({ length: n }, (_, i) => Math.cos(3 * i))
  const [outRe, outIm] = [re.slice(), im.slice()]
  const fft = new Fft(n)
  fft.forward(outRe, outIm)
  for (let k = 0; k < n; k++) {
    let [sumRe, sumIm] = [0, 0]
    for (let j = 0; j < n; j++) {
      const [c, s] = [Math.cos((2 * Math.PI * j * k) / n), -Math.sin((2 * Math.PI * j * k) / n)]
      sumRe += re[j]! * c - im[j]! * s
      sumIm += re[j]! * s + im[j]! * c
    }
    expect(outRe[k]).toBeCloseTo(sumRe, 12)
    expect(outIm[k]).toBeCloseTo(sumIm, 12)
  }
  fft.inverse(outRe, outIm)
  for (let j = 0; j < n; j++) expect(outRe[j]).toBeCloseTo(re[j]!, 14)
  expect(() => new Fft(12)).toThrow(RangeError)
})
