import { describe, expect, test } from 'vitest'
import { ParleyError } from '../../../core/errors/index.ts'
import {
  defaultAdaptiveClipping,
  nextAdaptiveClip,
  startAdaptiveClip,
  sumMultiplier,
  unclippedFraction,
} from '../../../core/privacy/clipping/adaptive.ts'
import { privateClipFactor, unclippedIndicator } from '../../../core/privacy/clipping/flat.ts'
import { DiscreteGaussian } from '../../../core/privacy/noise/discrete-gaussian.ts'
import { RandomWords } from '../../../core/privacy/noise/random-source.ts'
import { randomOf } from '../../../core/random/random.ts'
import { fixtures, missing } from './fixtures.ts'
import { seededBytes } from './seeded-bytes.ts'

const norms = Array.from({ length: 101 }, (_, i) => 0.5 + i / 100)
const countOf = (all: readonly number[], clip: number) =>
  all.reduce((sum, norm) => sum + unclippedIndicator(norm, clip), 0)

describe.skipIf(missing)('reference numbers', () => {
  test.each(fixtures.adaptiveClip.rows)('adaptive clip from $C0', ({ C0, after }) => {
    const settings = { ...defaultAdaptiveClipping(101), initial: C0 }
    let state = startAdaptiveClip(settings)
    const seen = new Map<number, number>()
    for (let step = 1; step <= 200; step++) {
      state = nextAdaptiveClip(state, settings, countOf(norms, state.clip))
      seen.set(step, state.clip)
    }
    for (const { step, C } of after) expect(seen.get(step)).toBeCloseTo(C, 12)
  })

  test.each(fixtures.noiseSplit.rows)('z_Δ at z $z, σ_b $sigmaB', ({ z, sigmaB, zDelta }) => {
    expect(sumMultiplier(z, sigmaB)).toBeCloseTo(zDelta, 12)
  })
})

describe('trap 1: the fraction that was clipped instead of the one that was not', () => {
  test('the clip norm goes to the median of the norms from above and below', () => {
    for (const initial of [0.1, 0.9, 1.1, 10]) {
      const settings = { ...defaultAdaptiveClipping(101), initial }
      let state = startAdaptiveClip(settings)
      for (let step = 0; step < 200; step++) state = nextAdaptiveClip(state, settings, countOf(norms, state.clip))
      expect(Math.abs(state.clip - 1)).toBeLessThan(0.01)
    }
  })

  test('too small a norm grows, too large a one shrinks', () => {
    const settings = defaultAdaptiveClipping(100)
    expect(nextAdaptiveClip({ clip: 1, rounds: 0 }, settings, -50).clip).toBeCloseTo(Math.exp(0.1), 12)
    expect(nextAdaptiveClip({ clip: 1, rounds: 0 }, settings, 50).clip).toBeCloseTo(Math.exp(-0.1), 12)
  })
})

test.each([0.3, 0.5, 0.8])('with noise it follows the %d-quantile of changing norms for 200 rounds', (quantile) => {
  const cohort = 100
  const settings = { ...defaultAdaptiveClipping(cohort), quantile }
  const random = randomOf(5)
  const words = new RandomWords(seededBytes(`adaptive ${quantile}`))
  const unit = 2 ** 20
  const noise = new DiscreteGaussian(settings.countSigma * unit)
  let state = startAdaptiveClip(settings)
  const late: number[] = []
  for (let round = 0; round < 200; round++) {
    // Norms e^{N(0, ½²)}.
    const drawn = Array.from({ length: cohort }, () => Math.exp(random.normal() / 2))
    state = nextAdaptiveClip(state, settings, countOf(drawn, state.clip) + noise.sample(words) / unit)
    expect(JSON.parse(JSON.stringify(state))).toEqual(state)
    if (round >= 100) late.push(state.clip)
  }
  const normalQuantile = { 0.3: -0.5244, 0.5: 0, 0.8: 0.8416 }[quantile]!
  const mean = late.reduce((sum, clip) => sum + clip, 0) / late.length
  expect(Math.abs(mean / Math.exp(normalQuantile / 2) - 1)).toBeLessThan(0.05)
  expect(state.rounds).toBe(200)
})

describe('the noise is split between count and sum', () => {
  test('the pair costs what z costs', () => {
    // The count of ±½ has multiplier σ_b/½.
    const z = sumMultiplier(1.1, 2.5)
    expect(1 / z ** 2 + 1 / (2 * 2.5) ** 2).toBeCloseTo(1 / 1.1 ** 2, 14)
  })

  test('a count that spends everything is refused', () => {
    for (const z of [2, 3]) expect(() => sumMultiplier(z, 1)).toThrow(ParleyError)
    expect(() => sumMultiplier(2, 1)).toThrow(/raise it above 1/)
    expect(() => sumMultiplier(0, 1)).toThrow(RangeError)
  })
})

describe('noise cannot break the state', () => {
  test('a fraction beyond 0 and 1 counts as 0 or 1, and the norm stays positive and finite', () => {
    const settings = { ...defaultAdaptiveClipping(10), learningRate: 100 }
    let state = startAdaptiveClip(settings)
    for (let i = 0; i < 100; i++) state = nextAdaptiveClip(state, settings, 1e9)
    expect(state.clip).toBe(1e-12)
    for (let i = 0; i < 100; i++) state = nextAdaptiveClip(state, settings, -1e9)
    expect(state.clip).toBe(1e12)
    expect(() => nextAdaptiveClip(state, settings, Number.NaN)).toThrow(RangeError)
  })

  // Trap 3 once more: the planned cohort divides.
  test('a client that fails counts as one half', () => {
    expect(unclippedFraction(0, 10)).toBe(0.5)
    expect(unclippedFraction(-4.5, 10)).toBeCloseTo(0.05, 12)
  })
})

describe('flat clipping', () => {
  test('no clipped vector is longer than C, in float32 either', () => {
    const random = randomOf(9)
    for (let i = 0; i < 200; i++) {
      const vector = Float32Array.from({ length: 50 }, () => random.normal() * 10 ** (i % 5))
      const factor = privateClipFactor(Math.hypot(...vector), 0.7)
      expect(Math.hypot(...vector.map((value) => value * factor))).toBeLessThanOrEqual(0.7)
    }
  })

  test('short vectors stay as they are', () => {
    expect(privateClipFactor(0, 1)).toBe(1)
    expect(privateClipFactor(1, 1)).toBe(1)
    expect(unclippedIndicator(1, 1)).toBe(0.5)
    expect(unclippedIndicator(1.001, 1)).toBe(-0.5)
  })

  test('norms and bounds that are none are refused', () => {
    for (const norm of [Number.NaN, Number.POSITIVE_INFINITY, -1]) {
      expect(() => privateClipFactor(norm, 1)).toThrow(RangeError)
    }
    for (const clip of [0, -1, Number.NaN]) expect(() => privateClipFactor(1, clip)).toThrow(RangeError)
  })
})
