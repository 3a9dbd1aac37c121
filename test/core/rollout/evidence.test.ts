/** What the comparison of two versions rests on: intervals that hold at all times at once. */
import { describe, expect, it } from 'vitest'
import { type Counts, logEvidence } from '../../../core/rollout/beta-binomial.ts'
import { cappedTrials, largestShare } from '../../../core/rollout/influence.ts'
import { BINS_PER_DECADE, binStart, LATENCY_BINS, latencyBin } from '../../../core/rollout/latency-grid.ts'
import { latencyQuantile } from '../../../core/rollout/latency-quantile.ts'
import { differenceOfRates, logEvidenceOfDifference } from '../../../core/rollout/rate-difference.ts'
import { Chance } from './chance.ts'

describe('the evidence against a rate', () => {
  it('is what the beta function says, by hand', () => {
    // B(1½, ½)/B(½, ½) = 1/2 and B(1½, 1½)/B(½, ½) = 1/8.
    expect(logEvidence({ bad: 0, trials: 0 }, 0.3)).toBeCloseTo(0, 12)
    expect(logEvidence({ bad: 1, trials: 1 }, 0.3)).toBeCloseTo(Math.log(0.5 / 0.3), 12)
    expect(logEvidence({ bad: 1, trials: 2 }, 0.3)).toBeCloseTo(Math.log(0.125 / (0.3 * 0.7)), 12)
  })

  it.each([0.01, 0.2, 0.5, 0.97])('has the mean 1 after any number of trials of the rate %d', (p) => {
    for (const n of [1, 2, 7, 40, 300]) {
      let mean = 0
      let logWays = 0
      for (let bad = 0; bad <= n; bad++) {
        if (bad > 0) logWays += Math.log((n - bad + 1) / bad)
        mean += Math.exp(logWays + bad * Math.log(p) + (n - bad) * Math.log(1 - p) + logEvidence({ bad, trials: n }, p))
      }
      expect(mean).toBeCloseTo(1, 9)
    }
  })

  it('stays exact for numbers of trials that nobody adds up in one go', () => {
    const n = 1e12
    // From Stirling: −½ ln n + ½ ln(2/π) + … for half of them bad.
    expect(logEvidence({ bad: n / 2, trials: n }, 0.5)).toBeCloseTo(-0.5 * Math.log(n) + 0.5 * Math.log(2 / Math.PI), 3)
    expect(logEvidence({ bad: 0, trials: n }, 0)).toBeCloseTo(-0.5 * Math.log(Math.PI * n), 3)
  })
})

describe('the interval of a difference of rates', () => {
  it('has the differences of which the evidence is small enough, and turns with the sides', () => {
    const a = { bad: 40, trials: 1_000 }
    const b = { bad: 90, trials: 800 }
    const { value, low, high } = differenceOfRates(a, b, 0.05)
    expect(value).toBeCloseTo(90 / 800 - 0.04, 12)
    for (const edge of [low, high]) expect(logEvidenceOfDifference(a, b, edge)).toBeCloseTo(Math.log(20), 6)
    const turned = differenceOfRates(b, a, 0.05)
    expect([turned.low, turned.high]).toEqual([expect.closeTo(-high, 9), expect.closeTo(-low, 9)])
  })

  it('knows nothing of sides without trials, and is no wider than the scale', () => {
    expect(differenceOfRates({ bad: 0, trials: 0 }, { bad: 0, trials: 0 }, 0.05)).toEqual({
      value: 0,
      low: -1,
      high: 1,
    })
    const { low, high } = differenceOfRates({ bad: 0, trials: 3 }, { bad: 3, trials: 3 }, 0.05)
    expect(high).toBe(1)
    expect(low).toBeLessThan(1)
  })

  /** Looks after every trial; whether the true difference is ever outside. */
  function everOutside(chance: Chance, p: number, q: number, looks: number, alpha: number): boolean {
    const a = { bad: 0, trials: 0 }
    const b = { bad: 0, trials: 0 }
    const one = (side: { bad: number; trials: number }, rate: number) => {
      side.trials++
      if (chance.happens(rate)) side.bad++
    }
    for (let look = 0; look < looks; look++) {
      // Which side comes next may depend on what was seen.
      if (b.bad > a.bad || look % 3 === 0) one(a, p)
      else one(b, q)
      if (logEvidenceOfDifference(a, b, q - p) >= Math.log(1 / alpha)) return true
    }
    return false
  }

  it.each([
    [0.05, 0.05],
    [0.3, 0.4],
    [0.01, 0.02],
  ])('is wrong, ever, in at most α of the cases, for the rates %d and %d', (p, q) => {
    const chance = new Chance(7)
    const runs = 400
    let wrong = 0
    for (let run = 0; run < runs; run++) if (everOutside(chance, p, q, 400, 0.2)) wrong++
    expect(wrong / runs).toBeLessThanOrEqual(0.2)
  })
})

describe('the grid of latencies', () => {
  it('puts each edge into the bin that it begins, over the whole range', () => {
    for (let bin = 1; bin < LATENCY_BINS; bin++) {
      expect(latencyBin(binStart(bin))).toBe(bin)
      expect(latencyBin(binStart(bin) * (1 - 1e-12))).toBe(bin - 1)
    }
    expect(binStart(1 + BINS_PER_DECADE) / binStart(1)).toBeCloseTo(10, 9)
    expect([0, -1, Number.NaN].map(latencyBin)).toEqual([0, 0, 0])
    expect([1e9, Number.POSITIVE_INFINITY].map(latencyBin)).toEqual([LATENCY_BINS - 1, LATENCY_BINS - 1])
    expect(binStart(LATENCY_BINS)).toBe(Number.POSITIVE_INFINITY)
  })

  it('gives a quantile whose interval misses it, ever, in at most α of the cases', () => {
    const chance = new Chance(11)
    const truth = -10 * Math.log(0.05)
    let wrong = 0
    for (let run = 0; run < 200; run++) {
      const bins = new Array<number>(LATENCY_BINS).fill(0)
      for (let look = 0; look < 25; look++) {
        for (let i = 0; i < 20; i++) bins[latencyBin(-10 * Math.log(1 - chance.next()))]! += 1
        const { low, high } = latencyQuantile(bins, 0.95, 0.2)
        if (truth < low || truth > high) {
          wrong++
          break
        }
      }
    }
    expect(wrong / 200).toBeLessThanOrEqual(0.2)
  })

  it('narrows to the bins around the quantile', () => {
    const bins = new Array<number>(LATENCY_BINS).fill(0)
    for (let i = 0; i < 20_000; i++) bins[latencyBin(-10 * Math.log(1 - (i + 0.5) / 20_000))]! += 1
    const { value, low, high } = latencyQuantile(bins, 0.95, 0.05)
    expect(value).toBeGreaterThan(29.9)
    expect(value).toBeLessThan(32)
    expect(low).toBeGreaterThan(26)
    expect(high).toBeLessThan(35)
    const none = latencyQuantile(new Array<number>(LATENCY_BINS).fill(0), 0.95, 0.05)
    expect([none.low, none.high]).toEqual([0, Number.POSITIVE_INFINITY])
  })
})

describe('the influence of one consumer', () => {
  it.each([
    [[10, 20, 30], 1],
    [[10, 1_000, 1_000], 0.5],
    [[1, 2, 3, 1e9], 0.5],
    [[5, 5, 5, 5, 1e6, 1e9], 0.2],
    [[7], 0.5],
    [[0, 0], 0.5],
    [[], 0.5],
  ])('of %j is at most its share %d, and nobody else’s is touched', (trials, share) => {
    const counted = cappedTrials(trials, share)
    const total = counted.reduce((a, b) => a + b, 0)
    for (const [i, one] of counted.entries()) {
      expect(one).toBeLessThanOrEqual(share * total * (1 + 1e-12) + 1e-9)
      expect(one).toBeLessThanOrEqual(trials[i]!)
    }
    const scaled = counted.filter((one, i) => one < trials[i]!)
    for (const one of scaled) expect(one).toBeCloseTo(share * total, 6)
  })

  it('leaves what equal consumers have, as many as there must be', () => {
    for (const m of [2, 3, 9])
      expect(cappedTrials(new Array(m).fill(100), largestShare(m))).toEqual(new Array(m).fill(100))
  })
})

it('a mixture never beats the best rate', () => {
  const some: readonly Counts[] = [0, 1, 5, 9].map((bad) => ({ bad, trials: 9 }))
  for (const counts of some) expect(logEvidence(counts, counts.bad / 9)).toBeLessThanOrEqual(0)
})
