import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { metricsOf } from '../../core/metrics/compute.ts'
import { countBinary, countClasses } from '../../core/metrics/count.ts'
import { type BinaryCounts, type EvaluationCounts, GROUP_BINS } from '../../core/metrics/counts.ts'
import { recallAtPrecision } from '../../core/metrics/measures/recall-at-precision.ts'
import { metricNames, metricTable } from '../../core/metrics/registry.ts'
import { sumCounts } from '../../core/metrics/sum.ts'

type Row = { readonly score: number; readonly label: number }

// Scores in the middle of a bin, so that bins lose nothing of them: what is computed must be what is computed of the rows.
const rowsOf = fc.array(
  fc.record({ score: fc.integer({ min: 0, max: 63 }).map((k) => (16 * k + 8.5) / 1024), label: fc.nat({ max: 1 }) }),
)

function binary(rows: readonly Row[], bins?: number): BinaryCounts {
  return countBinary(
    rows.map(({ score }) => score),
    rows.map(({ label }) => label),
    bins,
  )
}

/** The precision and the recall of each threshold, from the highest score down, as scikit-learn lists them. */
function curve(rows: readonly Row[]): { precision: number; recall: number }[] {
  const positives = rows.filter(({ label }) => label === 1).length
  return [...new Set(rows.map(({ score }) => score))]
    .sort((a, b) => b - a)
    .map((threshold) => {
      const called = rows.filter(({ score }) => score >= threshold)
      const found = called.filter(({ label }) => label === 1).length
      return { precision: found / called.length, recall: found / positives }
    })
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

describe('of a binary task', () => {
  test('figures of a worked example', () => {
    // Ranked: 1 at 0.9, 0 at 0.8, 1 at 0.7, then 0 at 0.2 twice.
    const metrics = metricsOf(countBinary([0.9, 0.8, 0.7, 0.2, 0.2], [1, 0, 1, 0, 0]))
    expect(metrics.specificity).toBe(2 / 3)
    expect(metrics.balancedAccuracy).toBeCloseTo((1 + 2 / 3) / 2, 12)
    // sklearn.metrics.average_precision_score([1, 0, 1, 0, 0], [.9, .8, .7, .2, .2]) = 0.8333…
    expect(metrics.prAuc).toBeCloseTo(0.5 * 1 + 0.5 * (2 / 3), 12)
    // sklearn.metrics.brier_score_loss = (0.01 + 0.64 + 0.09 + 0.04 + 0.04) / 5
    expect(Math.abs((metrics.brier ?? 0) - 0.164)).toBeLessThan(1 / 1024)
    // Each score stands in a bin of its own but the two at 0.2: |0.1| + |0.8| + |0.3| + 2·0.2, over 5.
    expect(Math.abs((metrics.calibrationError ?? 0) - (0.1 + 0.8 + 0.3 + 0.4) / 5)).toBeLessThan(1 / 1024)
  })

  test('tied scores enter the precision-recall curve together', () => {
    // sklearn.metrics.average_precision_score([1, 0, 1, 0], [.5, .5, .5, .5]) = 0.5, whatever the order of the rows.
    expect(metricsOf(countBinary([0.5, 0.5, 0.5, 0.5], [1, 0, 1, 0])).prAuc).toBe(0.5)
  })

  test('the average precision is that of the rows themselves', () => {
    fc.assert(
      fc.property(rowsOf, (rows) => {
        let [before, sum] = [0, 0]
        for (const { precision, recall } of curve(rows)) {
          sum += (recall - before) * precision
          before = recall
        }
        const found = metricsOf(binary(rows)).prAuc
        if (rows.some(({ label }) => label === 1)) expect(found).toBeCloseTo(sum, 12)
        else expect(found).toBeNull()
      }),
    )
  })

  test('the recall at a precision is the largest of all thresholds that have it', () => {
    fc.assert(
      fc.property(rowsOf, fc.double({ min: 0.01, max: 1, noNaN: true }), (rows, atPrecision) => {
        const recalls = curve(rows).flatMap(({ precision, recall }) => (precision >= atPrecision ? [recall] : []))
        const found = recallAtPrecision(atPrecision).value(binary(rows))
        if (rows.some(({ label }) => label === 1)) expect(found).toBeCloseTo(Math.max(0, ...recalls), 12)
        else expect(found).toBeNull()
      }),
    )
  })

  test('calibration error and Brier score are those of the rows themselves', () => {
    fc.assert(
      fc.property(rowsOf, (rows) => {
        fc.pre(rows.length > 0)
        const bins = Array.from({ length: 15 }, (_, m) => rows.filter(({ score }) => Math.floor(score * 15) === m))
        const errors = bins
          .filter((bin) => bin.length > 0)
          .map((bin) => {
            const gap = mean(bin.map(({ label }) => label)) - mean(bin.map(({ score }) => score))
            return (bin.length / rows.length) * Math.abs(gap)
          })
        const metrics = metricsOf(binary(rows))
        expect(metrics.calibrationError).toBeCloseTo(
          errors.reduce((sum, error) => sum + error, 0),
          12,
        )
        expect(metrics.brier).toBeCloseTo(mean(rows.map(({ score, label }) => (score - label) ** 2)), 12)
      }),
    )
  })

  test('coarse bins, as groups have them, move no outcome', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ score: fc.double({ min: 0, max: 1, noNaN: true }), label: fc.nat({ max: 1 }) })),
        (rows) => {
          const [fine, coarse] = [binary(rows), binary(rows, GROUP_BINS)]
          const fold = (bins: readonly number[]) =>
            Array.from({ length: GROUP_BINS }, (_, i) =>
              bins.slice(4 * i, 4 * i + 4).reduce((sum, one) => sum + one, 0),
            )
          expect(coarse).toEqual({
            ...fine,
            positiveScores: fold(fine.positiveScores),
            negativeScores: fold(fine.negativeScores),
          })
        },
      ),
    )
  })
})

describe('of a task with several classes', () => {
  test('figures of a worked example', () => {
    // Truth 0, 0, 0, 1, 2, 2; given 0, 0, 1, 1, 2, 0.
    const counts: EvaluationCounts = { task: 'classes', rows: 6, lossMicros: 0, confusion: [2, 1, 0, 0, 1, 0, 1, 0, 1] }
    const metrics = metricsOf(counts)
    // sklearn.metrics.balanced_accuracy_score = mean of the recalls 2/3, 1, 1/2.
    expect(metrics.balancedAccuracy).toBeCloseTo((2 / 3 + 1 + 1 / 2) / 3, 12)
    // Specificity of each class against the rest: 2/3, 4/5, 1.
    expect(metrics.specificity).toBeCloseTo((2 / 3 + 4 / 5 + 1) / 3, 12)
    expect(metrics).toMatchObject({ prAuc: null, calibrationError: null, brier: null, auc: null })
    expect(recallAtPrecision(0.5).value(counts)).toBeNull()
  })

  test('the specificity is not defined where there is no rest', () => {
    expect(metricsOf(countClasses([0.9, 0.1], [0], 2)).specificity).toBeNull()
  })
})

describe('every metric', () => {
  const anyCounts = fc.oneof(
    rowsOf.map((rows) => binary(rows)),
    fc.array(fc.nat({ max: 20 }), { minLength: 9, maxLength: 9 }).map((confusion): EvaluationCounts => {
      return { task: 'classes', rows: confusion.reduce((sum, cell) => sum + cell, 0), lossMicros: 0, confusion }
    }),
  )

  test.each(metricNames)('%s lies in its range', (name) => {
    const { value, range } = metricTable[name]
    fc.assert(
      fc.property(anyCounts, (counts) => {
        const found = value(counts)
        if (found === null) return
        expect(found).toBeGreaterThanOrEqual(range[0] - 1e-12)
        expect(found).toBeLessThanOrEqual(range[1] + 1e-12)
      }),
    )
  })

  test('is the same of the pooled counts as of all rows together, in any order', () => {
    fc.assert(
      fc.property(fc.array(rowsOf, { minLength: 1, maxLength: 4 }), (clients) => {
        const pooled = metricsOf(sumCounts(clients.map((rows) => binary(rows)))!)
        const whole = metricsOf(binary(clients.flat().toReversed()))
        expect({ ...pooled, loss: 0 }).toEqual({ ...whole, loss: 0 })
      }),
    )
  })

  test('does not depend on the order of the clients', () => {
    fc.assert(
      fc.property(fc.array(rowsOf, { minLength: 2, maxLength: 4 }), (clients) => {
        const counts = clients.map((rows) => binary(rows))
        expect(metricsOf(sumCounts(counts)!)).toEqual(metricsOf(sumCounts(counts.toReversed())!))
      }),
    )
  })
})
