import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { differenceInterval } from '../../core/metrics/confidence/difference.ts'
import { type Estimate, estimateOf } from '../../core/metrics/confidence/estimate.ts'
import { jackknifeVariance } from '../../core/metrics/confidence/jackknife.ts'
import { normalQuantile } from '../../core/metrics/confidence/quantile.ts'
import { wilson } from '../../core/metrics/confidence/wilson.ts'
import { countBinary } from '../../core/metrics/count.ts'
import type { EvaluationCounts } from '../../core/metrics/counts.ts'
import { recallAtPrecision } from '../../core/metrics/measures/recall-at-precision.ts'
import type { Metric } from '../../core/metrics/metric.ts'
import { metricNames, metricTable } from '../../core/metrics/registry.ts'
import { type Random, randomOf } from '../../core/random/random.ts'

type Row = { readonly score: number; readonly label: number }

const rowsOf = fc.array(fc.record({ score: fc.double({ min: 0, max: 1, noNaN: true }), label: fc.nat({ max: 1 }) }), {
  maxLength: 40,
})

function binary(rows: readonly Row[]) {
  return countBinary(
    rows.map(({ score }) => score),
    rows.map(({ label }) => label),
  )
}

test('quantiles of the normal distribution', () => {
  // Abramowitz and Stegun, table 26.5.
  expect(normalQuantile(0.05)).toBeCloseTo(1.6448536269514722, 12)
  expect(normalQuantile(0.025)).toBeCloseTo(1.959963984540054, 12)
  expect(normalQuantile(0.001)).toBeCloseTo(3.090232306167813, 12)
  expect(normalQuantile(0.5)).toBeCloseTo(0, 12)
})

describe('Wilson’s bounds', () => {
  test('of published examples', () => {
    // Newcombe, Statistics in Medicine 17(8), 1998, 857–872, table I, method 3: two-sided 95 %.
    const cases = [
      [81, 263, 0.2553, 0.3662],
      [15, 148, 0.0624, 0.1605],
      [0, 20, 0, 0.1611],
      [1, 29, 0.0061, 0.1718],
    ] as const
    for (const [part, whole, low, high] of cases) {
      const bounds = wilson({ part, whole }, 0.025)
      expect(bounds.low).toBeCloseTo(low, 4)
      expect(bounds.high).toBeCloseTo(high, 4)
    }
  })

  test('lie in [0, 1] around the share, wider for more confidence', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 1e6 }),
        fc.nat({ max: 1e6 }),
        fc.double({ min: 1e-9, max: 0.5, noNaN: true }),
        (a, b, alpha) => {
          fc.pre(a + b > 0)
          const share = { part: a, whole: a + b }
          const { low, high } = wilson(share, alpha)
          const wider = wilson(share, alpha / 2)
          expect(0 <= wider.low && wider.low <= low && low <= a / (a + b) + 1e-12).toBe(true)
          expect(a / (a + b) - 1e-12 <= high && high <= wider.high && wider.high <= 1).toBe(true)
        },
      ),
    )
  })

  test('are all of [0, 1] without rows', () => {
    expect(wilson({ part: 0, whole: 0 }, 0.05)).toEqual({ low: 0, high: 1 })
  })
})

/** The variance of an AUC by the structural components of DeLong et al., Biometrics 44(3), 1988, row by row. */
function delong(positive: readonly number[], negative: readonly number[]): number {
  const wins = (x: number, y: number) => (x > y ? 1 : x === y ? 0.5 : 0)
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const variance = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + (value - mean(values)) ** 2, 0) / (values.length - 1)
  const ofPositive = positive.map((x) => mean(negative.map((y) => wins(x, y))))
  const ofNegative = negative.map((y) => mean(positive.map((x) => wins(x, y))))
  return variance(ofPositive) / positive.length + variance(ofNegative) / negative.length
}

describe('the jackknife', () => {
  test('of an AUC is DeLong’s variance', () => {
    const scores = fc.array(fc.integer({ min: 0, max: 1023 }), { minLength: 2, maxLength: 25 })
    fc.assert(
      fc.property(scores, scores, (positive, negative) => {
        const middle = (bin: number) => (bin + 0.5) / 1024
        const counts = countBinary([...positive, ...negative].map(middle), [
          ...positive.map(() => 1),
          ...negative.map(() => 0),
        ])
        expect(jackknifeVariance(counts, metricTable.auc.value, 'classes')).toBeCloseTo(delong(positive, negative), 12)
      }),
    )
  })

  test('of a mean is s²/n, and cells count as often as they have rows', () => {
    fc.assert(
      fc.property(rowsOf, (rows) => {
        fc.pre(rows.length > 1)
        const squares = rows.map(({ score, label }) => {
          const middle = (Math.min(1023, Math.floor(score * 1024)) + 0.5) / 1024
          return (middle - label) ** 2
        })
        const mean = squares.reduce((sum, one) => sum + one, 0) / squares.length
        const variance = squares.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (squares.length - 1)
        const found = jackknifeVariance(binary(rows), metricTable.brier.value, 'rows')
        expect(found).toBeCloseTo(variance / rows.length, 12)
      }),
    )
  })

  test('of a confusion matrix leaves one row of a cell out', () => {
    const counts: EvaluationCounts = { task: 'classes', rows: 10, lossMicros: 0, confusion: [3, 1, 2, 4] }
    // The accuracy is a mean of ones and zeros: 0.7 · 0.3 / 9.
    expect(jackknifeVariance(counts, metricTable.accuracy.value, 'rows')).toBeCloseTo((0.7 * 0.3) / 9, 12)
  })

  test('has nothing to say of one row', () => {
    expect(jackknifeVariance(binary([{ score: 0.7, label: 1 }]), metricTable.brier.value, 'rows')).toBeUndefined()
    const oneNegative = binary([0.2, 0.8, 0.9].map((score, i) => ({ score, label: i > 0 ? 1 : 0 })))
    expect(jackknifeVariance(oneNegative, metricTable.auc.value, 'classes')).toBeUndefined()
  })
})

describe('an estimate', () => {
  const good = binary([
    { score: 0.1, label: 0 },
    { score: 0.3, label: 0 },
    { score: 0.6, label: 0 },
    { score: 0.7, label: 1 },
    { score: 0.9, label: 1 },
  ])

  test('counts the rows that it is a mean over', () => {
    expect(estimateOf(metricTable.recall, good)).toEqual({ value: 1, rows: 2 })
    expect(estimateOf(metricTable.specificity, good)).toEqual({ value: 2 / 3, rows: 3 })
    expect(estimateOf(metricTable.auc, good)).toEqual({ value: 1, rows: 5 })
  })

  test('of a perfect ranking of few rows is not certain', () => {
    const { interval } = estimateOf(metricTable.auc, good, 0.05) as Estimate
    // Wilson’s lower bound of two out of two.
    expect(interval?.low).toBeCloseTo(2 / (2 + normalQuantile(0.05) ** 2), 12)
    expect(interval?.high).toBe(1)
  })

  test('of rows that are all alike is not certain either, however its variance is rounded', () => {
    const alike = binary(Array.from({ length: 7 }, () => ({ score: 0.3, label: 1 })))
    const { value, interval } = estimateOf(metricTable.brier, alike, 0.05) as Estimate
    expect(interval!.high - interval!.low).toBeGreaterThan(0.2)
    expect(interval!.low < value && value < interval!.high).toBe(true)
  })

  test('says why there is none', () => {
    expect(estimateOf(metricTable.auc, binary([]))).toEqual({ why: 'there are no rows' })
    expect(estimateOf(metricTable.auc, binary([{ score: 1, label: 1 }]))).toMatchObject({
      why: expect.stringContaining('not defined'),
    })
    expect(estimateOf(metricTable.brier, binary([{ score: 1, label: 1 }]), 0.05)).toMatchObject({
      why: expect.stringContaining('too few'),
    })
    expect(estimateOf(metricTable.loss, good, 0.05)).toMatchObject({ why: expect.stringContaining('too few') })
  })

  test.each(metricNames.filter((name) => metricTable[name].spread !== 'none'))(
    '%s has bounds around it, in its range',
    (name) => {
      fc.assert(
        fc.property(rowsOf, fc.double({ min: 1e-6, max: 0.5, noNaN: true }), (rows, alpha) => {
          const found = estimateOf(metricTable[name], binary(rows), alpha)
          if ('why' in found) return
          const { value, interval } = found
          expect(interval!.low).toBeGreaterThanOrEqual(0)
          expect(interval!.low).toBeLessThanOrEqual(value + 1e-9)
          expect(interval!.high).toBeGreaterThanOrEqual(value - 1e-9)
          expect(interval!.high).toBeLessThanOrEqual(1)
        }),
      )
    },
  )
})

describe('a difference', () => {
  test('of shares has Newcombe’s bounds', () => {
    // Newcombe, Statistics in Medicine 17(8), 1998, 873–890, table II, method 10: 56/70 against 48/80, two-sided 95 %.
    const share = (part: number, whole: number) => ({ value: part / whole, interval: wilson({ part, whole }, 0.025) })
    const { low, high } = differenceInterval(share(56, 70), share(48, 80))
    expect(low).toBeCloseTo(0.0524, 4)
    expect(high).toBeCloseTo(0.3339, 4)
  })
})

describe('one-sided bounds at 95 % hold about as often as they say', () => {
  const WORLDS = 400
  /** Rows whose score s is positive with probability s², with s uniform: miscalibrated, a third positive. */
  const sample = (rows: number, random: Random): Row[] =>
    Array.from({ length: rows }, () => {
      const score = random.uniform()
      return { score, label: random.uniform() < score * score ? 1 : 0 }
    })
  const measured: [string, Metric, number][] = [
    ['accuracy', metricTable.accuracy, 200],
    ['recall', metricTable.recall, 200],
    ['precision', metricTable.precision, 200],
    ['f1', metricTable.f1, 200],
    ['balancedAccuracy', metricTable.balancedAccuracy, 200],
    ['auc', metricTable.auc, 200],
    ['prAuc', metricTable.prAuc, 200],
    ['brier', metricTable.brier, 200],
    ['recallAtPrecision', recallAtPrecision(0.5), 200],
  ]

  test.each(measured)('%s', (_name, metric, rows) => {
    const random = randomOf(20, 'coverage')
    const truth = metric.value(binary(sample(1_000_000, random)))!
    let [below, above] = [0, 0]
    for (let world = 0; world < WORLDS; world++) {
      const { interval } = estimateOf(metric, binary(sample(rows, random)), 0.05) as Estimate
      if (interval!.low <= truth) below++
      if (interval!.high >= truth) above++
    }
    // Three standard errors of a share of 0.95 in so many worlds are 0.033.
    expect(below / WORLDS).toBeGreaterThan(0.915)
    expect(above / WORLDS).toBeGreaterThan(0.915)
  })
})
