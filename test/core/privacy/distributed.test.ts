import { describe, expect, test } from 'vitest'
import { spent } from '../../../core/privacy/accounting/accountant.ts'
import { gaussianZcdp } from '../../../core/privacy/accounting/rdp/gaussian.ts'
import {
  type DistributedPlan,
  discretizationGap,
  distributedEpsilon,
  distributedNoise,
} from '../../../core/privacy/distributed.ts'
import { roundedNorm } from '../../../core/privacy/noise/randomized-rounding.ts'
import { fixtures, missing } from './fixtures.ts'

const plan: DistributedPlan = {
  multiplier: 1,
  clip: 1,
  dimension: 10_000,
  scale: 1000,
  neighbours: 'add-or-remove',
  clients: 100,
  minimumSurvivors: 80,
  corrupted: 0.1,
}

describe.skipIf(missing)('reference numbers', () => {
  test.each(fixtures.distributedDiscreteGaussian.rows)('n $n, σ $sigma, Δ $sensitivity', (row) => {
    expect(Math.abs(discretizationGap(row.n, row.sigma) / row.tau - 1)).toBeLessThan(1e-9)
    const epsilon = distributedEpsilon(row.n, row.sigma, row.sensitivity, row.d)
    expect(epsilon).toBeCloseTo(row.epsZcdp, 9)
    for (const { alpha, rdp } of row.exactRdp) expect(rdp).toBeLessThanOrEqual((alpha * epsilon ** 2) / 2 + 1e-12)
  })
})

test('the honest survivors together are worth the wanted multiplier', () => {
  const noise = distributedNoise(plan)
  expect(noise.honest).toBe(72)
  expect(noise.sensitivity).toBe(roundedNorm(1, 1000, 10_000))
  expect(noise.sigma).toBeCloseTo(noise.sensitivity / Math.sqrt(72), 6)
  expect(noise.epsilon).toBeLessThanOrEqual(1 + 1e-12)
  expect(noise.rho).toBeCloseTo(gaussianZcdp(1), 9)
  expect(noise.requiredModulus).toBeLessThan(2 ** 32)
  const spend = { mechanism: 'distributed-discrete-gaussian', rho: noise.rho, neighbours: 'add-or-remove' } as const
  const gaussian = {
    mechanism: 'gaussian',
    multiplier: 1,
    sampling: { kind: 'all' },
    neighbours: 'add-or-remove',
  } as const
  expect(spent([{ ...spend, rounds: 1 }], 1e-5, 'rdp').epsilon).toBeCloseTo(
    spent([{ ...gaussian, rounds: 1 }], 1e-5, 'rdp').epsilon,
    8,
  )
})

test('narrow noise in many dimensions pays for the gap to a true Gaussian', () => {
  const narrow = { ...plan, scale: 1, dimension: 1_000_000, multiplier: 0.018 }
  const noise = distributedNoise(narrow)
  expect(noise.sigma).toBeGreaterThan(1.001 * ((0.018 * noise.sensitivity) / Math.sqrt(72)))
  expect(noise.epsilon).toBeLessThanOrEqual((1 / 0.018) * (1 + 1e-12))
  expect(noise.epsilon).toBeGreaterThan((1 / 0.018) * (1 - 1e-6))
})

test('under replacement the sensitivity is twice the rounded norm', () => {
  const noise = distributedNoise({ ...plan, neighbours: 'replace' })
  expect(noise.sensitivity).toBe(2 * noise.roundedNorm)
  expect(noise.sigma).toBeCloseTo(2 * distributedNoise(plan).sigma, 5)
})

describe('trap 14: drop-outs below the planned number', () => {
  test('noise is made for the fewest honest survivors, not for all clients', () => {
    const { sigma, sensitivity, honest } = distributedNoise(plan)
    for (const survivors of [honest, 90, 100]) {
      expect(distributedEpsilon(survivors, sigma, sensitivity, plan.dimension)).toBeLessThanOrEqual(1 + 1e-9)
    }
    expect(distributedEpsilon(honest - 1, sigma, sensitivity, plan.dimension)).toBeGreaterThan(1)
    expect(distributedEpsilon(20, sigma, sensitivity, plan.dimension)).toBeGreaterThan(1.8)
  })

  test('nobody to count on is refused', () => {
    expect(() => distributedNoise({ ...plan, minimumSurvivors: 2, corrupted: 0.6 })).toThrow(/none of the survivors/)
  })
})

describe('what does not fit is refused', () => {
  test('a modulus that sum and noise would wrap around', () => {
    expect(() => distributedNoise({ ...plan, scale: 2e7 })).toThrow(/lower the scale/)
    expect(() => distributedNoise({ ...plan, modulus: 2 ** 16 })).toThrow(/modulus/)
    const rotated = { ...plan, scale: 1e7, greatestCoordinate: 0.05, multiplier: 0.01 }
    expect(distributedNoise(rotated).requiredModulus).toBeLessThan(2 ** 32)
  })

  test('a grid that is coarser than the noise', () => {
    expect(() => distributedNoise({ ...plan, dimension: 10, scale: 1 })).toThrow(/raise the scale/)
  })

  test('numbers out of range', () => {
    for (const change of [
      { clip: 0 },
      { scale: -1 },
      { dimension: 1.5 },
      { minimumSurvivors: 101 },
      { corrupted: 1 },
    ]) {
      expect(() => distributedNoise({ ...plan, ...change })).toThrow(RangeError)
    }
  })
})

test('the rounded norm is the smaller one of both bounds', () => {
  // Few dimensions: cs + √d. Many: √(c²s² + d/4 + cs + √d/2).
  expect(roundedNorm(1, 1, 1)).toBe(Math.min(2, Math.sqrt(1 + 0.25 + 1 + 0.5)))
  expect(roundedNorm(1, 1000, 10_000)).toBeCloseTo(Math.sqrt(1e6 + 2500 + 1050), 9)
})
