import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { deltaSpent, rdpOf, spent, wouldSpend } from '../../../core/privacy/accounting/accountant.ts'
import {
  analyticMultiplier,
  gaussianDelta,
  gaussianEpsilon,
} from '../../../core/privacy/accounting/analytic-gaussian.ts'
import { calibrateMultiplier } from '../../../core/privacy/accounting/calibrate.ts'
import { checkDelta } from '../../../core/privacy/accounting/delta.ts'
import {
  type GaussianSpend,
  multiplierOf,
  type Sampling,
  type Spend,
  sensitivityOf,
} from '../../../core/privacy/accounting/spend.ts'
import { fixtures, missing } from './fixtures.ts'

const gaussian = (multiplier: number, rounds: number, sampling: Sampling = { kind: 'all' }): GaussianSpend => ({
  mechanism: 'gaussian',
  multiplier,
  sampling,
  neighbours: sampling.kind === 'fixed' ? 'replace' : 'add-or-remove',
  rounds,
})
const poisson = (rate: number): Sampling => (rate === 1 ? { kind: 'all' } : { kind: 'poisson', rate })

describe.skipIf(missing)('reference numbers', () => {
  test.each(fixtures.analyticGaussian.rows)('σ of one Gaussian, ε $eps, δ $delta', ({ eps, delta, sigma }) => {
    expect(Math.abs(analyticMultiplier(eps, delta) / sigma - 1)).toBeLessThan(1e-10)
    expect(gaussianDelta(sigma, eps) / delta).toBeCloseTo(1, 9)
  })

  test.each(fixtures.calibration.rows)('z for ε $eps, q $q, T $T', (row) => {
    const rest = { delta: row.delta, rounds: row.T, neighbours: 'add-or-remove', sampling: poisson(row.q) } as const
    const byRdp = calibrateMultiplier(row.eps, { ...rest, accountant: 'rdp' })
    expect(Math.abs(byRdp - row.zRdpExact)).toBeLessThan(1e-5)
    expect(byRdp).toBeGreaterThanOrEqual(row.zRdpExact - 1e-9)
    const byPld = calibrateMultiplier(row.eps, { ...rest, accountant: 'pld' })
    expect(Math.abs(byPld - row.zPld)).toBeLessThan(1e-5)
    expect(spent([gaussian(byPld, row.T, poisson(row.q))], row.delta, 'pld').epsilon).toBeLessThanOrEqual(row.eps)
  })

  test.each(fixtures.withoutReplacement.rows)('$m of $N', (row) => {
    const spend = gaussian(row.z, row.T, { kind: 'fixed', cohort: row.m, population: row.N })
    expect(spent([spend], row.delta, 'rdp').epsilon).toBeCloseTo(row.epsRdp, 9)
  })

  test.each(fixtures.treeAggregation.rows)('tree, z $z', (row) => {
    const tree = { mechanism: 'tree', multiplier: row.z, leaves: row.leaves, neighbours: 'add-or-remove', rounds: 1 }
    expect(spent([tree as Spend], row.delta, 'rdp').epsilon).toBeCloseTo(row.epsRdp, 9)
  })
})

describe('noise multipliers of public test suites', () => {
  test.each([
    ['rdp', 2250, 1.416],
    ['rdp', 2000, 1.3562],
  ] as const)('opacus: %s, %d steps of q = 0.04 at ε = 8', (accountant, rounds, expected) => {
    const z = calibrateMultiplier(8, {
      delta: 1e-5,
      rounds,
      accountant,
      neighbours: 'add-or-remove',
      sampling: { kind: 'poisson', rate: 0.04 },
    })
    expect(Math.abs(z - expected)).toBeLessThan(1e-2)
  })
})

describe('one answer for all spends', () => {
  test('the accountant that gave it is named', () => {
    const sampled = gaussian(1.1, 1000, { kind: 'poisson', rate: 0.01 })
    expect(spent([sampled], 1e-5, 'rdp')).toMatchObject({ accountant: 'rdp', order: 9.6 })
    expect(spent([sampled], 1e-5, 'pld')).toMatchObject({ accountant: 'pld' })
    expect(spent([sampled], 1e-5)).toMatchObject({ accountant: 'pld' })
    expect(spent([], 1e-5)).toEqual({ epsilon: 0, delta: 1e-5, accountant: 'rdp' })
  })

  test('what has no loss distribution is answered by RDP, and says so', () => {
    const fixed = gaussian(2, 100, { kind: 'fixed', cohort: 100, population: 1000 })
    expect(spent([fixed], 1e-5, 'pld')).toMatchObject({ accountant: 'rdp', fallback: 'mechanism-without-pld' })
    const sampled = gaussian(1.1, 10, { kind: 'poisson', rate: 0.01 })
    const distributed = {
      mechanism: 'distributed-discrete-gaussian',
      rho: 0.01,
      neighbours: 'add-or-remove',
      rounds: 3,
    } as const
    const both = spent([sampled, distributed], 1e-5)
    expect(both.fallback).toBe('mechanism-without-pld')
    const summed = rdpOf([sampled]).values.map((value, i) => value + rdpOf([distributed]).values[i]!)
    expect(rdpOf([sampled, distributed]).values).toEqual(summed)
    expect(spent([sampled], 1e-12)).toMatchObject({ accountant: 'rdp', fallback: 'delta-too-small-for-pld' })
  })

  test('unsampled rounds are exact: T rounds of z are one of z/√T', () => {
    expect(spent([gaussian(8, 64)], 1e-5).epsilon).toBeCloseTo(gaussianEpsilon(1, 1e-5), 10)
    expect(spent([gaussian(8, 60), gaussian(4, 1)], 1e-5).epsilon).toBeCloseTo(gaussianEpsilon(1, 1e-5), 10)
    expect(deltaSpent([gaussian(8, 64)], 2).delta).toBeCloseTo(gaussianDelta(1, 2), 12)
  })

  test('sampled and unsampled rounds add up', () => {
    const sampled = gaussian(1, 100, { kind: 'poisson', rate: 0.01 })
    const both = spent([sampled, gaussian(10, 4)], 1e-5, 'pld').epsilon
    expect(both).toBeGreaterThan(gaussianEpsilon(5, 1e-5))
    expect(both).toBeLessThan(gaussianEpsilon(5, 5e-6) + spent([sampled], 5e-6, 'pld').epsilon)
    expect(wouldSpend([sampled], gaussian(10, 4), 1e-5, 'pld').epsilon).toBe(both)
  })

  test('ε and δ ask the same question', () => {
    const spends = [gaussian(1, 50, { kind: 'poisson', rate: 0.05 })]
    for (const accountant of ['rdp', 'pld', 'tightest'] as const) {
      const { epsilon } = spent(spends, 1e-5, accountant)
      expect(deltaSpent(spends, epsilon, accountant).delta / 1e-5).toBeCloseTo(1, 6)
    }
  })

  test('a spend survives JSON', () => {
    const spend = gaussian(1, 10, { kind: 'poisson', rate: 0.05 })
    expect(spent([JSON.parse(JSON.stringify(spend))], 1e-5)).toEqual(spent([spend], 1e-5))
  })
})

describe('properties', () => {
  const setting = fc.record({
    rate: fc.double({ min: 0.005, max: 0.5, noNaN: true }),
    multiplier: fc.double({ min: 0.7, max: 5, noNaN: true }),
    rounds: fc.integer({ min: 2, max: 300 }),
  })

  test('PLD is not above RDP; ε grows with T and q and falls with z and δ; halves make the whole', () => {
    fc.assert(
      fc.property(setting, ({ rate, multiplier, rounds }) => {
        const of = (q: number, z: number, t: number, delta: number) =>
          spent([gaussian(z, t, poisson(q))], delta, 'pld').epsilon
        const here = of(rate, multiplier, rounds, 1e-5)
        expect(here).toBeLessThanOrEqual(spent([gaussian(multiplier, rounds, poisson(rate))], 1e-5, 'rdp').epsilon)
        expect(of(rate, multiplier, rounds * 2, 1e-5)).toBeGreaterThanOrEqual(here)
        expect(of(rate * 1.2, multiplier, rounds, 1e-5)).toBeGreaterThanOrEqual(here)
        expect(of(rate, multiplier * 1.2, rounds, 1e-5)).toBeLessThanOrEqual(here)
        expect(of(rate, multiplier, rounds, 2e-5)).toBeLessThanOrEqual(here)
        const half = Math.floor(rounds / 2)
        const halves = [half, rounds - half].map((t) => gaussian(multiplier, t, poisson(rate)))
        for (const accountant of ['rdp', 'pld'] as const) {
          const whole = spent([gaussian(multiplier, rounds, poisson(rate))], 1e-5, accountant).epsilon
          expect(spent(halves, 1e-5, accountant).epsilon).toBeCloseTo(whole, 9)
        }
      }),
      { numRuns: 2, seed: 3 },
    )
  })

  test('calibrate(ε(z)) = z', () => {
    fc.assert(
      fc.property(setting, ({ rate, multiplier, rounds }) => {
        const rest = { delta: 1e-5, rounds, neighbours: 'add-or-remove', sampling: poisson(rate) } as const
        const { epsilon } = spent([gaussian(multiplier, rounds, poisson(rate))], 1e-5, 'rdp')
        const found = calibrateMultiplier(epsilon, { ...rest, accountant: 'rdp' })
        expect(Math.abs(found / multiplier - 1)).toBeLessThan(1e-6)
      }),
      { numRuns: 5, seed: 4 },
    )
  })

  test('calibration leaves room for what was spent before', () => {
    const before = [gaussian(2, 1)]
    const rest = { delta: 1e-5, rounds: 1, neighbours: 'add-or-remove', sampling: { kind: 'all' } } as const
    const z = calibrateMultiplier(3, { ...rest, before })
    expect(spent([...before, gaussian(z, 1)], 1e-5).epsilon).toBeCloseTo(3, 4)
    expect(() => calibrateMultiplier(1, { ...rest, before })).toThrow(/no noise is enough/)
  })
})

describe('trap 7: the textbook calibration at ε ≥ 1', () => {
  test('is too little noise at large ε, and is not used', () => {
    const textbook = (epsilon: number, delta: number) => Math.sqrt(2 * Math.log(1.25 / delta)) / epsilon
    expect(gaussianDelta(textbook(20, 1e-5), 20)).toBeGreaterThan(1e-5)
    const rest = { delta: 1e-5, rounds: 1, neighbours: 'add-or-remove', sampling: { kind: 'all' } } as const
    expect(calibrateMultiplier(20, rest)).toBeGreaterThan(textbook(20, 1e-5))
    expect(calibrateMultiplier(20, rest) / analyticMultiplier(20, 1e-5)).toBeCloseTo(1, 5)
    expect(gaussianDelta(analyticMultiplier(200, 1e-9), 200)).toBeCloseTo(1e-9, 18)
  })
})

describe('trap 8: Poisson accounting for cohorts that are not Poisson samples', () => {
  test('fixed cohorts are accounted by replacement only, Poisson samples by adding and removing only', () => {
    const fixed = gaussian(1, 1, { kind: 'fixed', cohort: 10, population: 100 })
    expect(() => spent([{ ...fixed, neighbours: 'add-or-remove' }], 1e-5)).toThrow(/replacing one/)
    const sampled = gaussian(1, 1, { kind: 'poisson', rate: 0.1 })
    expect(() => spent([{ ...sampled, neighbours: 'replace' }], 1e-5)).toThrow(/adding or removing/)
    expect(() => spent([fixed, sampled], 1e-5)).toThrow(/do not add up/)
  })

  test('everybody who happens to be there gets no amplification', () => {
    expect(spent([gaussian(1, 10)], 1e-5).epsilon).toBeGreaterThan(
      5 * spent([gaussian(1, 10, { kind: 'poisson', rate: 0.1 })], 1e-5).epsilon,
    )
  })
})

describe('trap 9: a multiplier relative to C under replacement', () => {
  test('the sensitivity of a sum is C, under replacement 2C, times the greatest weight', () => {
    expect(multiplierOf({ sigma: 3, clip: 1.5, neighbours: 'add-or-remove' })).toBe(2)
    expect(multiplierOf({ sigma: 3, clip: 1.5, neighbours: 'replace' })).toBe(1)
    expect(multiplierOf({ sigma: 3, clip: 1.5, neighbours: 'replace', greatestWeight: 2 })).toBe(0.5)
    expect(sensitivityOf({ clip: 1, neighbours: 'replace', rounding: 0.25 })).toBe(2.25)
  })

  test('trap 2: unequal weights multiply the sensitivity, whatever they are divided by later', () => {
    const equal = multiplierOf({ sigma: 1, clip: 1, neighbours: 'add-or-remove' })
    const weighted = multiplierOf({ sigma: 1, clip: 1, neighbours: 'add-or-remove', greatestWeight: 10 })
    expect(spent([gaussian(weighted, 1)], 1e-5).epsilon).toBeGreaterThan(5 * spent([gaussian(equal, 1)], 1e-5).epsilon)
  })

  // Trap 4: a variance in its place is another number, but at 1; what stands in the name is the deviation.
  test('trap 4: sigma is a standard deviation', () => {
    expect(multiplierOf({ sigma: 4, clip: 1, neighbours: 'add-or-remove' })).toBe(4)
  })
})

test('trap 11: δ of 1/population or more is no promise', () => {
  expect(() => checkDelta(1e-3, 1000)).toThrow(/no promise/)
  expect(() => checkDelta(1e-4, 1000)).not.toThrow()
  expect(() => checkDelta(0, 1000)).toThrow(RangeError)
})

describe('trap 16: two aggregators that add half the noise each', () => {
  test('if one of them adds none, half of the variance is left, and ε is far above', () => {
    const honest = gaussianEpsilon(1, 1e-5)
    expect(gaussianEpsilon(Math.SQRT1_2, 1e-5)).toBeGreaterThan(1.4 * honest)
  })
})

test('numbers outside of their range are refused', () => {
  for (const delta of [0, 1, Number.NaN, -1]) expect(() => spent([gaussian(1, 1)], delta)).toThrow(RangeError)
  for (const z of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => spent([gaussian(z, 1)], 1e-5)).toThrow(RangeError)
  }
  for (const rounds of [0, 1.5, -1]) expect(() => spent([gaussian(1, rounds)], 1e-5)).toThrow(RangeError)
  for (const rate of [0, 1.1, Number.NaN]) {
    expect(() => spent([gaussian(1, 1, { kind: 'poisson', rate })], 1e-5)).toThrow(RangeError)
  }
  expect(() => spent([gaussian(1, 1, { kind: 'fixed', cohort: 5, population: 4 })], 1e-5)).toThrow(RangeError)
  expect(() => multiplierOf({ sigma: 1, clip: 0, neighbours: 'replace' })).toThrow(RangeError)
})
