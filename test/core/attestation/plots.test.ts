import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { axisOver } from '../../../core/attestation/model-card/plot/axis.ts'
import { errorHistogram } from '../../../core/attestation/model-card/plot/errors.ts'
import { intervalBars, MOST_BARS } from '../../../core/attestation/model-card/plot/interval-bars.ts'
import { learningCurve } from '../../../core/attestation/model-card/plot/learning-curve.ts'
import {
  areaBelow,
  calibrationError,
  reliabilityCurve,
  reliabilityPoints,
  rocCurve,
  rocPoints,
} from '../../../core/attestation/model-card/plot/scores.ts'
import { wilson } from '../../../core/metrics/confidence/wilson.ts'
import { SCORE_BINS } from '../../../core/metrics/counts.ts'

/** Fails unless every element is closed in its order and every number is one. */
function expectWhole(svg: string): void {
  const open: string[] = []
  for (const [, close, name, rest, alone] of svg.matchAll(/<(\/?)([a-z]+)((?:\s[a-zA-Z:-]+="[^"<]*")*)(\/?)>/g)) {
    if (close === '/') expect(open.pop()).toBe(name)
    else if (alone !== '/') open.push(name!)
    expect(rest).not.toMatch(/NaN|Infinity|undefined|\d{6}/)
  }
  expect(open).toEqual([])
  expect(svg.startsWith('<svg xmlns="http://www.w3.org/2000/svg" role="img"')).toBe(true)
  expect(svg).toMatch(/<title id="title">.+<\/title><desc id="description">.+<\/desc>/)
  expect(svg).not.toMatch(/<script|href|url\(|@import/)
}

const bins = fc.array(fc.oneof(fc.constant(0), fc.nat(1_000)), { minLength: SCORE_BINS, maxLength: SCORE_BINS })
const rows = bins.filter((counts) => counts.some((count) => count > 0))
const none = new Array<number>(SCORE_BINS).fill(0)

/** Of all pairs of a positive and a negative row, those in which the positive one stands higher; half of those in one bin. */
function shareOfPairs(positive: readonly number[], negative: readonly number[]): number {
  let [pairs, won, below] = [0, 0, 0]
  const negatives = negative.reduce((sum, count) => sum + count, 0)
  positive.forEach((count, bin) => {
    pairs += count * negatives
    won += count * (below + negative[bin]! / 2)
    below += negative[bin]!
  })
  return won / pairs
}

describe('the ROC curve', () => {
  it('goes from corner to corner, never down, over the area that the metric has', () => {
    fc.assert(
      fc.property(rows, rows, (positiveScores, negativeScores) => {
        const points = rocPoints({ positiveScores, negativeScores })
        expect(points.at(-1)).toEqual([1, 1])
        points.forEach(([x, y], i) => {
          const [x0, y0] = points[i - 1] ?? [0, 0]
          expect(x >= x0 && y >= y0).toBe(true)
        })
        expect(areaBelow(points)).toBeCloseTo(shareOfPairs(positiveScores, negativeScores), 9)
        expectWhole(rocCurve({ positiveScores, negativeScores }))
      }),
      { numRuns: 20 },
    )
  })

  it('is drawn without rows of one class too', () => {
    const svg = rocCurve({ positiveScores: none, negativeScores: none })
    expectWhole(svg)
    expect(svg).toContain('AUC not defined')
  })
})

describe('the calibration curve', () => {
  it('has the shares of each tenth of the scores, with their intervals', () => {
    const positiveScores = [...none]
    const negativeScores = [...none]
    positiveScores[0] = 2
    negativeScores[1] = 8
    positiveScores[1023] = 5
    const points = reliabilityPoints({ positiveScores, negativeScores })
    expect(points.map(({ rows, observed }) => [rows, observed])).toEqual([
      [10, 0.2],
      [5, 1],
    ])
    expect(points[0]?.predicted).toBeCloseTo((2 * 0.5 + 8 * 1.5) / 10 / 1024, 12)
    const expected = (10 * (0.2 - points[0]!.predicted) + 5 * (1 - points[1]!.predicted)) / 15
    expect(calibrationError(points)).toBeCloseTo(expected, 12)
    expectWhole(reliabilityCurve({ positiveScores, negativeScores }))
    expectWhole(reliabilityCurve({ positiveScores: none, negativeScores: none }))
    expect(calibrationError([])).toBeNull()
  })

  it('has the intervals that Wilson’s formula gives', () => {
    const { low, high } = wilson({ part: 8, whole: 10 }, 0.025)
    expect(low).toBeCloseTo(0.4902, 4)
    expect(high).toBeCloseTo(0.9433, 4)
    expect(wilson({ part: 0, whole: 10 }, 0.025).low).toBe(0)
    expect(wilson({ part: 10, whole: 10 }, 0.025).high).toBe(1)
  })
})

describe('the histogram of errors', () => {
  const bars = (svg: string) => [...svg.matchAll(/class="bar"/g)].length

  it('has the unit of the label, and puts the rarest large errors into its last bar', () => {
    const errorBins = [...none]
    errorBins[102] = 99
    errorBins[1023] = 1
    const svg = errorHistogram({ min: -20, max: 180, errorBins })
    expectWhole(svg)
    expect(svg).toContain('Absolute errors of 100 rows')
    // 103²/1024² of 200 is 2.02: a twentieth of it is a step.
    expect(svg).toContain('20 equal steps of 0.101')
    expect(bars(svg)).toBe(20)
  })

  it('is drawn without rows, and of errors that are all none', () => {
    expectWhole(errorHistogram({ min: 0, max: 1, errorBins: none }))
    const exact = errorHistogram({ min: 0, max: 1, errorBins: [5, ...none.slice(1)] })
    expectWhole(exact)
    expect(bars(exact)).toBe(20)
  })
})

describe('the learning curve', () => {
  it.each([
    ['nothing', []],
    ['one round', [{ round: 1, value: 0.5 }]],
    [
      'rounds that were not evaluated',
      [
        { round: 1, value: null },
        { round: 2, value: null },
      ],
    ],
    [
      'a value that is none',
      [
        { round: 1, value: Number.NaN },
        { round: 2, value: 0.3 },
      ],
    ],
    [
      'equal values',
      [
        { round: 1, value: 1 },
        { round: 9, value: 1 },
      ],
    ],
    [
      'large losses',
      [
        { round: 1, value: 12.5 },
        { round: 2, value: 3 },
      ],
    ],
  ])('is drawn of %s', (_what, points) => {
    expectWhole(learningCurve({ metric: 'auc', points, bound: 0.8 }))
    expectWhole(learningCurve({ metric: 'auc', points }))
  })

  it('breaks where a round was not evaluated', () => {
    const values = [0.1, 0.2, null, 0.3, 0.4]
    const svg = learningCurve({ metric: 'auc', points: values.map((value, i) => ({ round: i + 1, value })) })
    expect(/class="line" d="([^"]*)"/.exec(svg)?.[1]?.match(/[ML]/g)?.join('')).toBe('MLML')
    expect(svg).toContain('0.4000 in round 5')
  })
})

describe('bars with intervals', () => {
  it('have a row each, and say what could not be evaluated', () => {
    const svg = intervalBars({
      title: 'auc by site',
      metric: 'auc',
      bars: [
        { name: 'Site 1', value: 0.8, interval: [0.7, 0.9], n: 120 },
        { name: 'Site 2', value: null, interval: null, n: 3 },
        { name: 'A site with a name that is longer than its place', value: 0.4, interval: null, n: 12 },
      ],
    })
    expectWhole(svg)
    expect(svg.match(/class="bar"/g)).toHaveLength(2)
    expect(svg.match(/class="whisker"/g)).toHaveLength(1)
    expect(svg).toContain('>not evaluable<')
    expect(svg).toContain('n = 120')
    expect(svg).toContain('<title>A site with a name that is longer than its place: 0.4000, n = 12</title>')
  })

  it('are drawn of nothing, of losses, of negative values and of many', () => {
    const bars = (values: (number | null)[]) =>
      intervalBars({
        title: 't',
        metric: 'm',
        bars: values.map((value, i) => ({ name: `s${i}`, value, interval: null, n: i })),
      })
    for (const values of [[], [0], [null], [3.5, 120], [-1, 2], [Number.NaN], new Array<number>(500).fill(0.5)]) {
      expectWhole(bars(values))
    }
    expect(bars(new Array<number>(500).fill(0.5)).match(/class="bar"/g)).toHaveLength(MOST_BARS)
  })
})

it('axes have few even ticks, the ends among them', () => {
  expect(axisOver([0, 1], { bounds: [0, 1] })).toMatchObject({ domain: [0, 1], ticks: [0, 0.2, 0.4, 0.6, 0.8, 1] })
  expect(axisOver([1, 20], { integers: true }).ticks).toEqual([0, 5, 10, 15, 20])
  fc.assert(
    fc.property(
      fc.double({ min: -1e6, max: 1e6, noNaN: true }),
      fc.double({ min: 0, max: 1e6, noNaN: true }),
      (low, span) => {
        const { ticks, domain, label } = axisOver([low, low + span])
        expect(ticks.length).toBeLessThanOrEqual(8)
        const slack = 1e-6 * (domain[1] - domain[0])
        expect(domain[0] <= low + slack && domain[1] >= low + span - slack).toBe(true)
        expect(ticks.map(label).every((text) => text.length < 20)).toBe(true)
      },
    ),
  )
})
