import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { invalidCounts } from '../../core/metrics/check.ts'
import { metricsOf } from '../../core/metrics/compute.ts'
import { estimateOf } from '../../core/metrics/confidence/estimate.ts'
import { countNumeric } from '../../core/metrics/count-numeric.ts'
import { GROUP_BINS, type NumericCounts, SCORE_BINS } from '../../core/metrics/counts.ts'
import { lowerIsBetter, type MetricName, metricTable, numericMetricNames } from '../../core/metrics/metrics.ts'
import { binMicros, errorBin, MOST_NUMERIC_ROWS, RANGE_UNITS, squareOf } from '../../core/metrics/numeric.ts'
import { sumCounts } from '../../core/metrics/sum.ts'
import { invalidGroups } from '../../core/plan/check-groups.ts'
import { randomOf } from '../../core/random/random.ts'

const range = { min: -10, max: 30 }
const limits = { rows: 1_000, units: 1, numeric: range }

type Row = { readonly output: number; readonly label: number }

/** Labels at the ends and within, predictions also beyond the range. */
const rowsOf = fc.array(
  fc.record({
    output: fc.double({ min: -0.5, max: 1.5, noNaN: true }),
    label: fc.oneof(fc.constantFrom(0, RANGE_UNITS), fc.nat({ max: RANGE_UNITS })),
  }),
  { maxLength: 40 },
)

function counted(rows: readonly Row[], bins = SCORE_BINS): NumericCounts {
  return countNumeric(
    rows.map(({ output }) => output),
    rows.map(({ label }) => label),
    range,
    bins,
  )
}

/** Predictions and labels in the unit of the label. */
function countedOf(pairs: readonly (readonly [prediction: number, label: number])[]): NumericCounts {
  const share = (value: number) => (value - range.min) / (range.max - range.min)
  return counted(pairs.map(([prediction, label]) => ({ output: share(prediction), label: 1e6 * share(label) })))
}

describe('counts of a numeric label', () => {
  test('are sums in shares of the range', () => {
    const counts = countedOf([
      [0, 2],
      [10, 6],
      [100, 30],
    ])
    const { errorBins, ...sums } = counts
    expect(sums).toEqual({
      task: 'regression',
      ...range,
      rows: 3,
      overMicros: 100_000,
      underMicros: 50_000,
      squaredErrors: 1_250_000,
      labelMicros: 1_700_000,
      squaredLabels: 9_000_000 + 16_000_000 + 100_000_000,
    })
    expect(errorBins).toHaveLength(SCORE_BINS)
    expect(
      [0, Math.floor(Math.sqrt(0.05) * 1024), Math.floor(Math.sqrt(0.1) * 1024)].map((bin) => errorBins[bin]),
    ).toEqual([1, 1, 1])
  })

  test('of several clients add up to those of all their rows, whatever the rows', () => {
    fc.assert(
      fc.property(fc.array(rowsOf, { minLength: 1, maxLength: 5 }), (clients) => {
        expect(sumCounts(clients.map((rows) => counted(rows)))).toEqual(counted(clients.flat()))
      }),
    )
  })

  test('of other ranges and tasks have no sum', () => {
    const other = countNumeric([0.5], [0], { min: 0, max: 1 })
    expect(() => sumCounts([counted([]), other])).toThrow('different ranges')
    expect(() => sumCounts([counted([]), { task: 'classes', rows: 0, lossMicros: 0, confusion: [0] }])).toThrow(
      'regression and classes',
    )
  })

  test('are not made of predictions that are no numbers', () => {
    expect(() => counted([{ output: Number.NaN, label: 0 }])).toThrow('not a number')
    expect(counted([{ output: Number.POSITIVE_INFINITY, label: 0 }]).overMicros).toBe(RANGE_UNITS)
  })

  test('each error has one bin, whose ends are those of its errors', () => {
    fc.assert(
      fc.property(fc.nat({ max: RANGE_UNITS }), fc.constantFrom(SCORE_BINS, GROUP_BINS, 2), (micros, bins) => {
        const bin = errorBin(micros, bins)
        const [least, most] = binMicros(bin, bins)
        expect(least).toBeLessThanOrEqual(micros)
        expect(most).toBeGreaterThanOrEqual(micros)
        expect(errorBin(least, bins)).toBe(bin)
        expect(errorBin(most, bins)).toBe(bin)
        if (bin > 0) expect(binMicros(bin - 1, bins)[1]).toBe(least - 1)
      }),
    )
  })
})

describe('what a client says of a numeric label', () => {
  test('is taken when it was counted', () => {
    fc.assert(
      fc.property(rowsOf, (rows) => {
        expect(invalidCounts(counted(rows), limits)).toBeUndefined()
        expect(invalidCounts(counted(rows, GROUP_BINS), { ...limits, scoreBins: GROUP_BINS })).toBeUndefined()
      }),
    )
  })

  /** The least and the most that a sum can be, from first principles, of the rows that are in the bins. */
  const bounds = ({ errorBins, rows }: NumericCounts) => {
    const ends = errorBins.flatMap((count, bin) => (count === 0 ? [] : [{ count, ends: binMicros(bin, SCORE_BINS) }]))
    const sum = (of: (ends: readonly [number, number]) => number) =>
      ends.reduce((total, { count, ends: own }) => total + count * of(own), 0)
    return {
      absolute: [sum(([least]) => least), sum(([, most]) => most)],
      squaredErrors: [sum(([least]) => squareOf(least)), sum(([, most]) => squareOf(most))],
      labelMicros: [0, rows * RANGE_UNITS],
      squaredLabels: [0, rows * squareOf(RANGE_UNITS)],
    } as const
  }

  test('is refused whenever a sum is outside of its bounds', () => {
    const fields = ['overMicros', 'underMicros', 'squaredErrors', 'labelMicros', 'squaredLabels'] as const
    const changed = fc.oneof(
      fc.nat({ max: 40 * 1e8 }),
      fc.integer({ min: -5, max: 5 }).map((n) => 1e6 * n),
    )
    fc.assert(
      fc.property(rowsOf, fc.constantFrom(...fields), changed, (rows, field, value) => {
        const counts = { ...counted(rows), [field]: value }
        if (invalidCounts(counts, limits) !== undefined) return
        const allowed = bounds(counts)
        const absolute = counts.overMicros + counts.underMicros
        const { squaredErrors, labelMicros, squaredLabels } = counts
        for (const [sum, [least, most]] of [
          [absolute, allowed.absolute],
          [squaredErrors, allowed.squaredErrors],
          [labelMicros, allowed.labelMicros],
          [squaredLabels, allowed.squaredLabels],
        ] as const) {
          expect(sum).toBeGreaterThanOrEqual(least)
          expect(sum).toBeLessThanOrEqual(most)
        }
        // Nobody is further off than the range lets it, and squares are those of the labels.
        expect(counts.overMicros).toBeLessThanOrEqual(rows.length * RANGE_UNITS - labelMicros)
        expect(counts.underMicros).toBeLessThanOrEqual(labelMicros)
        expect(squaredLabels).toBeLessThanOrEqual(100 * labelMicros + rows.length)
        const { mae = 0, rmse = 0, mse = 0 } = metricsOf(counts)
        if (rows.length === 0) return
        expect(mae).toBeLessThanOrEqual(40)
        expect(rmse).toBeLessThanOrEqual(40)
        expect(mse! + 40 ** 2 * 1e-8).toBeGreaterThanOrEqual(mae! ** 2 * (1 - 1e-6))
      }),
      { numRuns: 300 },
    )
  })

  const sound = counted([
    { output: 0.2, label: 100_000 },
    { output: 0.5, label: 900_000 },
  ])
  test.each<[string, object, string]>([
    ['another task', { task: 'binary' }, 'the task of the plan is regression'],
    ['another range', { max: 31 }, 'range of the plan’s label'],
    ['more rows than the limit', { rows: 1_001 }, 'above the limit'],
    ['a negative sum', { overMicros: -1 }, 'overMicros is not a whole number'],
    ['a fraction', { squaredLabels: 0.5 }, 'squaredLabels is not a whole number'],
    ['a number that no double holds', { labelMicros: 2 ** 53 }, 'labelMicros is not a whole number'],
    ['an unknown field', { lossMicros: 0 }, 'lossMicros is no field'],
    ['other bins', { errorBins: [2] }, 'errorBins is not 1024'],
    ['bins of other rows', { errorBins: [3, ...Array(1023).fill(0)] }, 'does not add up to rows'],
    ['errors that are not in the bins', { overMicros: 0 }, 'not of these errorBins'],
    ['squares that are not in the bins', { squaredErrors: 0 }, 'squaredErrors is not of these errorBins'],
    ['labels beyond the range', { labelMicros: 2_000_001 }, 'above the range'],
    ['squares above the labels', { squaredLabels: 100_000_003 }, 'squaredLabels is above'],
    ['squares below the labels', { squaredLabels: 49_999_990 }, 'squaredLabels is less'],
    ['labels that leave no room below', { labelMicros: 399_999, squaredLabels: 20_000_000 }, 'underMicros is more'],
    ['labels that leave no room above', { labelMicros: 1_950_000, squaredLabels: 191_000_000 }, 'overMicros is more'],
  ])('is refused with %s', (_, changed, reason) => {
    expect(invalidCounts(sound, limits)).toBeUndefined()
    expect(invalidCounts({ ...sound, ...changed }, limits)).toContain(reason)
  })

  test('is refused with squares that are less than equal errors of the same sum have, though in their bin', () => {
    const alike = counted(Array.from({ length: 10 }, () => ({ output: 0.54, label: 500_000 })))
    const [least, most] = binMicros(errorBin(40_000, SCORE_BINS), SCORE_BINS)
    expect(invalidCounts(alike, limits)).toBeUndefined()
    const lie = { ...alike, overMicros: 10 * most, squaredErrors: 10 * squareOf(least) }
    expect(invalidCounts(lie, limits)).toBe('squaredErrors is less than errors of this sum have')
  })

  test('is refused of more rows than whole numbers hold', () => {
    const rows = MOST_NUMERIC_ROWS + 1
    const errorBins = [rows, ...Array<number>(SCORE_BINS - 1).fill(0)]
    const counts = { ...counted([]), rows, errorBins }
    expect(invalidCounts(counts, { ...limits, rows: 1e9 })).toContain(`rows is above ${MOST_NUMERIC_ROWS}`)
    // The largest that is taken: every sum is a whole number that a double holds.
    expect(Number.isSafeInteger(MOST_NUMERIC_ROWS * squareOf(RANGE_UNITS))).toBe(true)
  })

  test('is refused of groups that have more errors than there are', () => {
    const rows = Array.from({ length: 20 }, (_, i) => ({ output: 0.3, label: 10_000 * i }))
    const policy = { groups: { sex: { column: 'sex', values: { f: [0], m: [1] } } }, minGroup: 5 }
    const group = (name: string, counts: NumericCounts) => ({ by: 'sex', group: name, counts })
    const report = (f: NumericCounts) => ({
      results: [{ counts: counted(rows), groups: [group('f', f), group('m', counted(rows.slice(10), GROUP_BINS))] }],
      withheld: [],
      lacking: [],
    })
    const female = counted(rows.slice(0, 10), GROUP_BINS)
    expect(invalidGroups(report(female), policy, limits)).toBeUndefined()
    const more = { ...female, labelMicros: female.labelMicros + 1 }
    expect(invalidGroups(report(more), policy, limits)).toContain('sex have more rows than there are')
  })
})

describe('metrics of a numeric label', () => {
  const pairs = [
    [1, 2],
    [4, 3],
    [8, 8],
    [20, 15],
    [-10, -2],
  ] as const

  test('are those of the rows', () => {
    const metrics = metricsOf(countedOf(pairs))
    const errors = pairs.map(([prediction, label]) => prediction - label)
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
    const squares = mean(errors.map((error) => error ** 2))
    const labels = pairs.map(([, label]) => label)
    expect(metrics.mae).toBeCloseTo(3, 6)
    expect(metrics.mse).toBeCloseTo(squares, 4)
    expect(metrics.rmse).toBeCloseTo(Math.sqrt(squares), 4)
    expect(metrics.bias).toBeCloseTo(0.6, 6)
    expect(metrics.r2).toBeCloseTo(1 - squares / mean(labels.map((label) => (label - mean(labels)) ** 2)), 4)
    expect(Math.abs(metrics.medianAbsoluteError! - 1)).toBeLessThan(0.02)
    expect(metrics).toMatchObject({ rows: 5, accuracy: null, auc: null, loss: null })
    expect(metrics).not.toHaveProperty('brier')
  })

  test('are not there for labels of classes, and are not defined without rows', () => {
    const binary = metricsOf({ task: 'classes', rows: 1, lossMicros: 0, confusion: [1, 0, 0, 0] })
    for (const name of numericMetricNames) {
      expect(binary).not.toHaveProperty(name)
      expect(metricTable[name].value(counted([]))).toBeNull()
      expect(lowerIsBetter(name)).toBe(name !== 'r2')
    }
    expect(
      metricsOf(
        countedOf([
          [3, 5],
          [4, 5],
        ]),
      ).r2,
    ).toBeNull()
    expect(
      metricsOf(
        countedOf([
          [3, 0],
          [4, 10],
        ]),
      ).r2,
    ).toBeLessThan(1)
  })

  test('r2 of the mean label is 0, and below it of what is worse', () => {
    expect(
      metricsOf(
        countedOf([
          [5, 0],
          [5, 10],
        ]),
      ).r2,
    ).toBeCloseTo(0, 6)
    expect(
      metricsOf(
        countedOf([
          [10, 0],
          [0, 10],
        ]),
      ).r2,
    ).toBeCloseTo(-3, 6)
  })
})

describe('bounds of numeric metrics', () => {
  const bounded: readonly MetricName[] = ['mae', 'rmse', 'mse', 'bias', 'medianAbsoluteError']
  const interval = (metric: MetricName, counts: NumericCounts, alpha = 0.05) => {
    const found = estimateOf(metricTable[metric], counts, alpha)
    return 'why' in found ? undefined : { ...found.interval!, value: found.value }
  }

  test('lie around the value, wider for more confidence', () => {
    fc.assert(
      fc.property(fc.constantFrom(...bounded), rowsOf, (metric, rows) => {
        const counts = counted(rows)
        const [own, wider] = [interval(metric, counts), interval(metric, counts, 0.001)]
        if (own === undefined || wider === undefined) {
          expect(rows.length).toBeLessThan(2)
          return
        }
        expect(own.low).toBeLessThanOrEqual(own.value + 1e-9)
        expect(own.high).toBeGreaterThanOrEqual(own.value - 1e-9)
        expect(wider.low).toBeLessThanOrEqual(own.low + 1e-9)
        expect(wider.high).toBeGreaterThanOrEqual(own.high - 1e-9)
      }),
    )
  })

  test('hold the true figure about as often as they say, of errors that are normal', () => {
    const random = randomOf(4, 'coverage')
    const [deviation, shift, rows, runs] = [0.05, 0.01, 120, 400]
    const span = range.max - range.min
    const truth = {
      mse: (deviation ** 2 + shift ** 2) * span ** 2,
      rmse: Math.sqrt(deviation ** 2 + shift ** 2) * span,
      bias: shift * span,
    }
    const missed = { mse: 0, rmse: 0, bias: 0 }
    for (let i = 0; i < runs; i++) {
      const counts = counted(
        Array.from({ length: rows }, () => ({ label: 500_000, output: 0.5 + shift + deviation * random.normal() })),
      )
      for (const name of ['mse', 'rmse', 'bias'] as const)
        if (interval(name, counts)!.high < truth[name]) missed[name]++
    }
    // One in twenty is meant; squares vary with a long tail, and their normal bound misses a little more.
    for (const name of ['mse', 'rmse', 'bias'] as const) {
      expect(missed[name] / runs, name).toBeLessThan(0.09)
      expect(missed[name] / runs, name).toBeGreaterThan(0.005)
    }
  })

  test('of the mean error are the delete-one jackknife of a mean', () => {
    const counts = countedOf([
      [0, 1],
      [0, 3],
      [0, 2],
      [0, 7],
      [0, 5],
      [0, 4],
    ])
    const shares = [1, 3, 2, 7, 5, 4].map((error) => error / 40)
    const mean = shares.reduce((a, b) => a + b) / 6
    const without = shares.map((share) => (6 * mean - share) / 5)
    const variance = (5 / 6) * without.reduce((sum, value) => sum + (value - mean) ** 2, 0)
    const reach = (1.6448536 * Math.sqrt(variance)) / (mean * (1 - mean))
    const logit = Math.log(mean / (1 - mean)) + reach
    expect(interval('mae', counts)!.high).toBeCloseTo(40 / (1 + Math.exp(-logit)), 3)
  })

  test('of the median are order statistics', () => {
    const counts = countedOf(Array.from({ length: 100 }, (_, i) => [0.1 * (i + 1), 0] as const))
    const { low, high } = interval('medianAbsoluteError', counts)!
    // Ranks 50 ∓ 8.2: the 41st and the 60th of errors 0.1, 0.2, …
    expect(Math.abs(low - 4.1)).toBeLessThan(0.05)
    expect(Math.abs(high - 6)).toBeLessThan(0.05)
    expect(
      interval(
        'medianAbsoluteError',
        countedOf([
          [1, 0],
          [2, 0],
        ]),
      ),
    ).toMatchObject({ low: 0, high: 40 })
  })

  test('there are none of r2, of which no sound one is known', () => {
    expect(metricTable.r2.spread).toBe('none')
    expect(
      interval(
        'r2',
        countedOf([
          [3, 0],
          [4, 10],
        ]),
      ),
    ).toBeUndefined()
  })
})
