import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { logAlternatingSums } from '../../../core/privacy/accounting/rdp/alternating.ts'
import { rdpDelta, rdpEpsilon } from '../../../core/privacy/accounting/rdp/conversion.ts'
import { fixedSizeRdp } from '../../../core/privacy/accounting/rdp/fixed-size.ts'
import { gaussianRdp, treeDepth, treeRdp } from '../../../core/privacy/accounting/rdp/gaussian.ts'
import { defaultOrders } from '../../../core/privacy/accounting/rdp/orders.ts'
import { logExcessByIntegral, poissonRdp } from '../../../core/privacy/accounting/rdp/poisson.ts'
import { erfc } from '../../../core/privacy/numeric/erfc.ts'
import { fixtures, missing } from './fixtures.ts'

const curve = (values: (order: number) => number) => ({
  orders: defaultOrders,
  values: Float64Array.from(defaultOrders, values),
})

/** Within 1e-9, and below by no more than the reference is rounded. */
function expectSafely(actual: number, reference: number): void {
  expect(actual).toBeLessThanOrEqual(reference + 1e-9 * Math.max(1, reference))
  expect(actual).toBeGreaterThanOrEqual(reference * (1 - 1e-14))
}

describe.skipIf(missing)('reference numbers', () => {
  test.each(fixtures.poissonGaussian.rows)('Poisson-sampled Gaussian, q $q, z $z, T $T', (row) => {
    const { value, order } = rdpEpsilon(
      curve((alpha) => row.T * poissonRdp(row.q, row.z, alpha)),
      row.delta,
    )
    expectSafely(value, row.epsRdpExact)
    expect(order).toBe(row.rdpExactOrder)
  })

  test.each(fixtures.singleGaussian.rows)('one Gaussian, z $z', (row) => {
    expectSafely(
      rdpEpsilon(
        curve((alpha) => gaussianRdp(row.z, alpha)),
        row.delta,
      ).value,
      row.epsRdpExact,
    )
  })

  test.each(fixtures.rawRdp.rows)('one round, q $q, z $z, α $alpha', ({ q, z, alpha, rdpExact }) => {
    expect(Math.abs(poissonRdp(q, z, alpha) / rdpExact - 1)).toBeLessThan(1e-12)
  })

  test.each(fixtures.withoutReplacement.rows)('$m of $N without replacement', (row) => {
    const values = fixedSizeRdp(row.m / row.N, row.z, defaultOrders).map((rdp) => row.T * rdp)
    expectSafely(rdpEpsilon({ orders: defaultOrders, values }, row.delta).value, row.epsRdp)
  })

  test.each(fixtures.treeAggregation.rows)('tree of $leaves leaves, z $z', (row) => {
    expect(treeDepth(row.leaves)).toBe(row.depth)
    const { value } = rdpEpsilon(
      curve((alpha) => treeRdp(row.z, row.leaves, alpha)),
      row.delta,
    )
    expectSafely(value, row.epsRdp)
  })
})

describe('constants of public test suites', () => {
  test('google/differential-privacy: 50 rounds of q = 0.01, z = 2.5', () => {
    const orders = [1.5, 2.5, 5, 50, 100]
    const exact = [
      0.0006500708971880398, 0.0010854180569181244, 0.0021807565623078807, 0.02384603753870617, 167.41630754841825,
    ]
    orders.forEach((order, i) => {
      expect(50 * poissonRdp(0.01, 2.5, order)).toBeCloseTo(exact[i]!, 11)
    })
  })

  test('google/differential-privacy: RDP 1.1 at every order', () => {
    const { value, order } = rdpEpsilon(
      curve(() => 1.1),
      1e-5,
    )
    // Its best order is 32 on a list of its own, without 1024.
    expect(value).toBeLessThanOrEqual(1.32783806176)
    expect(order).toBeGreaterThan(31)
  })

  test('google/differential-privacy: z = 4.530877117 has ε = 1 at δ = 1e-6, with fine orders', () => {
    const orders = Array.from({ length: 99_000 }, (_, i) => 1 + i / 1000).slice(1)
    const values = Float64Array.from(orders, (order) => gaussianRdp(4.530877117, order))
    expect(rdpEpsilon({ orders, values }, 1e-6).value).toBeCloseTo(1, 7)
  })
})

/** The paper's series for fractional orders, signs kept, as long as double precision can add it up. */
function series(q: number, z: number, alpha: number): number {
  const z0 = z ** 2 * Math.log(1 / q - 1) + 0.5
  let binomial = 1
  let sum = 0
  for (let k = 0; k < 400; k++) {
    const j = alpha - k
    const first = (1 - q) ** j * q ** k * Math.exp((k * k - k) / (2 * z * z)) * erfc((k - z0) / (Math.SQRT2 * z))
    const second = (1 - q) ** k * q ** j * Math.exp((j * j - j) / (2 * z * z)) * erfc((z0 - j) / (Math.SQRT2 * z))
    const term = (binomial / 2) * (first + second)
    if (!Number.isFinite(term)) break
    sum += term
    binomial *= (alpha - k) / (k + 1)
  }
  return Math.log(sum) / (alpha - 1)
}

describe('trap 11: the sign of the fractional series', () => {
  test.each([
    [0.02, 1, 4.7],
    [0.05, 1.2, 2.5],
    [0.1, 2, 1.5],
    [0.01, 1.1, 1.5],
  ])('q %d, z %d, α %d: the integral is the signed series', (q, z, alpha) => {
    expect(poissonRdp(q, z, alpha) / series(q, z, alpha) - 1).toBeCloseTo(0, 7)
  })

  test('the absolute series would be 3 % above', () => {
    const rdp = poissonRdp(0.01, 1.1, 1.5)
    expect(9.858756968e-5 / rdp).toBeGreaterThan(1.03)
  })

  test('the integral is the binomial sum at integer orders, and does not depend on its step', () => {
    for (const z of [0.3, 0.5, 1, 3, 10, 300]) {
      for (const q of [1e-5, 0.01, 0.5, 0.99]) {
        for (const order of [2, 3, 8]) {
          const byIntegral = Math.log1p(Math.exp(logExcessByIntegral(q, z, order))) / (order - 1)
          expect(Math.abs(poissonRdp(q, z, order) / byIntegral - 1)).toBeLessThan(1e-11)
        }
        for (const order of [1.01, 1.5, 7.3, 60.5]) {
          const difference = logExcessByIntegral(q, z, order) - logExcessByIntegral(q, z, order, 3)
          expect(Math.abs(difference)).toBeLessThan(1e-11)
        }
      }
    }
  })

  test('there are orders enough: 30 times as many improve ε by less than 0.3 %', () => {
    const fine = Array.from({ length: 3000 }, (_, i) => 1.02 + i / 100)
    for (const [q, z, rounds] of [
      [0.01, 1.1, 1000],
      [0.1, 1, 100],
      [0.001, 0.8, 10_000],
    ] as const) {
      const usual = rdpEpsilon(
        curve((alpha) => rounds * poissonRdp(q, z, alpha)),
        1e-5,
      ).value
      const values = Float64Array.from(fine, (alpha) => rounds * poissonRdp(q, z, alpha))
      expect(usual / rdpEpsilon({ orders: fine, values }, 1e-5).value).toBeLessThan(1.003)
    }
  })
})

describe('sampling', () => {
  test('a rate of 1 is no sampling, a rate of 0 costs nothing', () => {
    expect(poissonRdp(1, 2, 3.3)).toBe(gaussianRdp(2, 3.3))
    expect(poissonRdp(0, 2, 3.3)).toBe(0)
    expect(poissonRdp(1 - 1e-12, 2, 3.3)).toBeCloseTo(gaussianRdp(2, 3.3), 10)
  })

  test('samples of fixed size never cost more than no sampling', () => {
    for (const z of [0.3, 1, 5, 100, 1e4]) {
      fixedSizeRdp(0.1, z, defaultOrders).forEach((rdp, i) => {
        expect(rdp).toBeGreaterThan(0)
        expect(rdp).toBeLessThanOrEqual(gaussianRdp(z, defaultOrders[i]!))
      })
      fixedSizeRdp(1, z, defaultOrders).forEach((rdp, i) => {
        expect(rdp).toBeCloseTo(gaussianRdp(z, defaultOrders[i]!), 12)
      })
    }
  })

  test('the alternating sums do not drown in rounding', () => {
    // For large z, B(l) is E (g)^l of a Gaussian: (l − 1)!!/z^l.
    const logs = logAlternatingSums(1000, 40)
    let expected = 0
    for (let l = 2; l <= 40; l += 2) {
      expected += Math.log(l - 1) - 2 * Math.log(1000)
      expect(Math.abs(logs[l / 2]! - expected)).toBeLessThan(0.05)
    }
    const [, second, fourth] = logAlternatingSums(2, 4)
    expect(second).toBeCloseTo(Math.log(Math.exp(1 / 4) - 1), 14)
    expect(fourth).toBeCloseTo(Math.log(Math.exp(6 / 4) - 4 * Math.exp(3 / 4) + 6 * Math.exp(1 / 4) - 3), 12)
  })

  test('orders up to 1 are refused', () => {
    expect(() => poissonRdp(0.1, 1, 1)).toThrow(RangeError)
    expect(() => fixedSizeRdp(0.1, 1, [2, 0.5])).toThrow(RangeError)
  })
})

describe('conversion', () => {
  const settings = fc.tuple(
    fc.double({ min: 0.001, max: 0.5, noNaN: true }),
    fc.double({ min: 0.6, max: 8, noNaN: true }),
  )

  test('ε grows with T and q and falls with z and δ', () => {
    fc.assert(
      fc.property(settings, fc.integer({ min: 1, max: 2000 }), ([q, z], rounds) => {
        const epsilon = (rate: number, multiplier: number, times: number, delta: number) =>
          rdpEpsilon(
            curve((alpha) => times * poissonRdp(rate, multiplier, alpha)),
            delta,
          ).value
        const here = epsilon(q, z, rounds, 1e-5)
        expect(epsilon(q, z, rounds + 1, 1e-5)).toBeGreaterThanOrEqual(here)
        expect(epsilon(q * 1.1, z, rounds, 1e-5)).toBeGreaterThanOrEqual(here)
        expect(epsilon(q, z * 1.1, rounds, 1e-5)).toBeLessThanOrEqual(here)
        expect(epsilon(q, z, rounds, 2e-5)).toBeLessThanOrEqual(here)
      }),
      { numRuns: 25, seed: 1 },
    )
  })

  test('δ of ε(δ) is δ', () => {
    for (const [z, delta] of [
      [0.7, 1e-3],
      [1, 1e-5],
      [5, 1e-9],
    ] as const) {
      const rdp = curve((alpha) => gaussianRdp(z, alpha))
      expect(rdpDelta(rdp, rdpEpsilon(rdp, delta).value).value / delta).toBeCloseTo(1, 8)
    }
  })

  test('a divergence that δ alone covers has ε 0', () => {
    expect(
      rdpEpsilon(
        curve(() => 1e-12),
        1e-5,
      ),
    ).toEqual({ value: 0 })
  })
})
