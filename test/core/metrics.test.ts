import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { invalidCounts } from '../../core/metrics/check.ts'
import { metricsOf } from '../../core/metrics/compute.ts'
import { countBinary, countClasses } from '../../core/metrics/count.ts'
import { type BinaryCounts, type EvaluationCounts, SCORE_BINS } from '../../core/metrics/counts.ts'
import { areaUnderCurve } from '../../core/metrics/measures/auc.ts'
import { sumCounts } from '../../core/metrics/sum.ts'

const rowsOf = fc.array(
  fc.record({ score: fc.double({ min: 0, max: 1, noNaN: true }), label: fc.integer({ min: 0, max: 1 }) }),
)

/** The share of pairs in the right order, over all pairs of rows. */
function pairwiseAuc(scores: number[], labels: number[]): number | null {
  const bin = (score: number) => Math.min(SCORE_BINS - 1, Math.floor(score * SCORE_BINS))
  let [right, pairs] = [0, 0]
  scores.forEach((score, i) => {
    scores.forEach((other, j) => {
      if (labels[i] !== 1 || labels[j] !== 0) return
      pairs++
      right += bin(score) > bin(other) ? 1 : bin(score) === bin(other) ? 0.5 : 0
    })
  })
  return pairs === 0 ? null : right / pairs
}

function binary(rows: { score: number; label: number }[]): BinaryCounts {
  return countBinary(
    rows.map(({ score }) => score),
    rows.map(({ label }) => label),
  )
}

describe('the area under the curve', () => {
  test('equals the share of pairs in the right order, ties counting half', () => {
    fc.assert(
      fc.property(rowsOf, (rows) => {
        const expected = pairwiseAuc(
          rows.map(({ score }) => score),
          rows.map(({ label }) => label),
        )
        const auc = metricsOf(binary(rows)).auc
        if (expected === null) expect(auc).toBeNull()
        else expect(auc).toBeCloseTo(expected, 12)
      }),
    )
  })

  test('is 1, 0 and a half for perfect, reversed and constant scores', () => {
    expect(areaUnderCurve([0, 3], [2, 0])).toBe(1)
    expect(areaUnderCurve([3, 0], [0, 2])).toBe(0)
    expect(areaUnderCurve([3], [2])).toBe(0.5)
    expect(areaUnderCurve([3], [0])).toBeNull()
  })
})

describe('counts', () => {
  test('of parts add up to the counts of the whole, but for rounded micros', () => {
    fc.assert(
      fc.property(rowsOf, rowsOf, (a, b) => {
        const sum = sumCounts([binary(a), binary(b)]) as BinaryCounts
        const whole = binary([...a, ...b])
        expect({ ...sum, lossMicros: 0 }).toEqual({ ...whole, lossMicros: 0 })
        expect(Math.abs(sum.lossMicros - whole.lossMicros)).toBeLessThanOrEqual(2)
      }),
    )
  })

  test('of any rows pass the check', () => {
    fc.assert(
      fc.property(rowsOf, (rows) => {
        expect(invalidCounts(binary(rows), { rows: 1000, units: 1 })).toBeUndefined()
        const scores = rows.flatMap(({ score }) => [score, 1 - score])
        const labels = rows.map(({ label }) => label)
        expect(invalidCounts(countClasses(scores, labels, 2), { rows: 1000, units: 2 })).toBeUndefined()
      }),
    )
  })

  test('of different tasks or sizes have no sum', () => {
    const classes = countClasses([0.5, 0.5], [1], 2)
    expect(() => sumCounts([binary([]), classes])).toThrow('no sum')
    expect(() => sumCounts([classes, countClasses([0.2, 0.3, 0.5], [1], 3)])).toThrow('no sum')
    expect(sumCounts([])).toBeUndefined()
  })

  test('are not made from scores that are not numbers', () => {
    expect(() => countBinary([Number.NaN], [1])).toThrow('not a number')
    expect(() => countClasses([0.5, Number.NaN], [1], 2)).toThrow('not a number')
  })
})

describe('metrics', () => {
  test('of a worked binary example', () => {
    const counts = countBinary([0.9, 0.8, 0.3, 0.6, 0.1], [1, 1, 1, 0, 0])
    const metrics = metricsOf(counts)
    expect(counts).toMatchObject({ truePositives: 2, falseNegatives: 1, falsePositives: 1, trueNegatives: 1 })
    expect(metrics).toMatchObject({ rows: 5, accuracy: 3 / 5, precision: 2 / 3, recall: 2 / 3, f1: 2 / 3, auc: 5 / 6 })
    const loss = -(Math.log(0.9) + Math.log(0.8) + Math.log(0.3) + Math.log(0.4) + Math.log(0.9)) / 5
    expect(metrics.loss).toBeCloseTo(loss, 6)
  })

  test('of a worked example with three classes, one of which has no rows', () => {
    // Rows of class 0: given 0, 0, 1. Rows of class 1: given 1.
    const metrics = metricsOf({
      task: 'classes',
      rows: 4,
      lossMicros: 2_000_000,
      confusion: [2, 1, 0, 0, 1, 0, 0, 0, 0],
    })
    expect(metrics.accuracy).toBe(3 / 4)
    expect(metrics.precision).toBeCloseTo((1 + 1 / 2) / 2, 12)
    expect(metrics.recall).toBeCloseTo((2 / 3 + 1) / 2, 12)
    expect(metrics.f1).toBeCloseTo((4 / 5 + 2 / 3) / 2, 12)
    expect(metrics).toMatchObject({ loss: 0.5, auc: null })
  })

  test('are null where they are not defined', () => {
    expect(metricsOf(binary([]))).toEqual({
      rows: 0,
      loss: null,
      accuracy: null,
      precision: null,
      recall: null,
      f1: null,
      auc: null,
      balancedAccuracy: null,
      specificity: null,
      prAuc: null,
      calibrationError: null,
      brier: null,
    })
  })

  test('cap the loss of a row that was surely wrong', () => {
    expect(metricsOf(countBinary([0], [1])).loss).toBe(100)
  })
})

describe('the check refuses', () => {
  const good = countBinary([0.9, 0.2, 0.7], [1, 0, 0])
  const limits = { rows: 10, units: 1 }
  const bins = (at: number, count: number) => Object.assign(new Array<number>(SCORE_BINS).fill(0), { [at]: count })
  const cases: [string, unknown][] = [
    ['not an object', null],
    ['task of the plan', { ...good, task: 'classes' }],
    ['rows is not a whole number', { ...good, rows: 2.5 }],
    ['rows is not a whole number', { ...good, rows: '3' }],
    ['limit of 10', { ...good, rows: 11 }],
    ['lossMicros is not', { ...good, lossMicros: -1 }],
    ['lossMicros is above', { ...good, lossMicros: 3e8 + 1 }],
    ['falsePositives is not', { ...good, falsePositives: Number.NaN }],
    ['add up to rows', { ...good, truePositives: 2 }],
    ['score list', { ...good, positiveScores: [1] }],
    ['score list', { ...good, negativeScores: bins(0, -1) }],
    ['positive rows', { ...good, positiveScores: bins(1000, 2) }],
    ['negative rows', { ...good, negativeScores: bins(0, 1) }],
    ['called positive', { ...good, negativeScores: bins(0, 2) }],
    ['no field', { ...good, extra: 1 }],
  ]
  test.each(cases)('%s', (reason, counts) => {
    expect(invalidCounts(counts, limits)).toContain(reason)
  })

  test('a confusion matrix of another size or sum', () => {
    const counts: EvaluationCounts = { task: 'classes', rows: 2, lossMicros: 0, confusion: [1, 0, 0, 1] }
    expect(invalidCounts(counts, { rows: 10, units: 2 })).toBeUndefined()
    expect(invalidCounts(counts, { rows: 10, units: 3 })).toContain('3 × 3')
    expect(invalidCounts({ ...counts, confusion: [1, 0, 0, 2] }, { rows: 10, units: 2 })).toContain('add up')
  })
})
