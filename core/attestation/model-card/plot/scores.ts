import { wilson } from '../../../metrics/confidence/wilson.ts'
import { areaFor, axes, axisOver, place } from './axis.ts'
import { px, svgDocument } from './svg.ts'

/** Rows per score bin of both classes, equal bins over [0, 1]: what clients say of their held-out rows, added up. */
export type ScoreBins = { readonly positiveScores: readonly number[]; readonly negativeScores: readonly number[] }

const SIZE = { width: 400, height: 400 }
const unit = axisOver([0, 1], { bounds: [0, 1] })
const area = areaFor(SIZE, unit)
const at = (x: number, y: number) => `${px(place(x, unit, area.x))} ${px(place(y, unit, area.y))}`
const diagonal = `<path class="guide" d="M${at(0, 0)}L${at(1, 1)}"/>`

/** The corners of the ROC curve from (0, 0) to (1, 1): false and true positive rate at each bin's lower border. */
export function rocPoints({ positiveScores, negativeScores }: ScoreBins): readonly (readonly [number, number])[] {
  const [positives, negatives] = [total(positiveScores), total(negativeScores)]
  const points: (readonly [number, number])[] = [[0, 0]]
  if (positives === 0 || negatives === 0) return points
  let [above, falsely] = [0, 0]
  for (let bin = positiveScores.length - 1; bin >= 0; bin--) {
    const [p, n] = [positiveScores[bin] ?? 0, negativeScores[bin] ?? 0]
    if (p === 0 && n === 0) continue
    above += p
    falsely += n
    points.push([falsely / negatives, above / positives])
  }
  return points
}

/** The area below the corners; null without rows of one class. Ties count half, as in the metric `auc`. */
export function areaBelow(points: readonly (readonly [number, number])[]): number | null {
  if (points.length < 2) return null
  let area = 0
  points.forEach(([x, y], i) => {
    const [x0, y0] = points[i - 1] ?? [0, 0]
    area += ((x - x0) * (y + y0)) / 2
  })
  return area
}

/** The receiver operating characteristic. */
export function rocCurve(bins: ScoreBins): string {
  const points = rocPoints(bins)
  const under = areaBelow(points)
  const rows = `${total(bins.positiveScores)} positive and ${total(bins.negativeScores)} negative rows`
  const path = points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${at(x, y)}`)
  const value = under === null ? 'not defined' : under.toFixed(4)
  return unitPlot(
    `ROC curve, AUC ${value}`,
    `True positive rate against false positive rate over all thresholds, from ${rows}. The area under the curve is ${value}.`,
    { x: 'false positive rate', y: 'true positive rate' },
    under === null ? '' : `<path class="line" d="${path.join('')}"/>`,
  )
}

export type ReliabilityPoint = {
  /** Mean of the scores, each taken as its bin's middle. */
  readonly predicted: number
  /** Share of positive rows, with its 95 % Wilson interval. */
  readonly observed: number
  readonly interval: readonly [number, number]
  readonly rows: number
}

/** Scores in ten equal groups; groups without rows are left out. */
export const RELIABILITY_GROUPS = 10

export function reliabilityPoints({ positiveScores, negativeScores }: ScoreBins): readonly ReliabilityPoint[] {
  const bins = positiveScores.length
  const groups = Array.from({ length: RELIABILITY_GROUPS }, () => ({ rows: 0, positive: 0, scores: 0 }))
  for (let bin = 0; bin < bins; bin++) {
    const group = groups[Math.floor((bin * RELIABILITY_GROUPS) / bins)]
    if (group === undefined) continue
    const rows = (positiveScores[bin] ?? 0) + (negativeScores[bin] ?? 0)
    group.rows += rows
    group.positive += positiveScores[bin] ?? 0
    group.scores += rows * ((bin + 0.5) / bins)
  }
  return groups
    .filter(({ rows }) => rows > 0)
    .map(({ rows, positive, scores }) => ({
      predicted: scores / rows,
      observed: positive / rows,
      interval: shareInterval(positive, rows),
      rows,
    }))
}

/** Expected calibration error: the mean distance of predicted and observed shares, groups weighted by their rows. */
export function calibrationError(points: readonly ReliabilityPoint[]): number | null {
  const rows = points.reduce((sum, point) => sum + point.rows, 0)
  if (rows === 0) return null
  return points.reduce((sum, point) => sum + point.rows * Math.abs(point.observed - point.predicted), 0) / rows
}

/** Observed against predicted shares: on the diagonal a score of 0.7 means 7 of 10. */
export function reliabilityCurve(bins: ScoreBins): string {
  const points = reliabilityPoints(bins)
  const error = calibrationError(points)?.toFixed(4) ?? 'not defined'
  const whiskers = points.map(({ predicted, interval: [low, high] }) => {
    const x = px(place(predicted, unit, area.x))
    const [bottom, top] = [px(place(low, unit, area.y)), px(place(high, unit, area.y))]
    return `M${x} ${bottom}V${top}M${x - 3} ${bottom}h6M${x - 3} ${top}h6`
  })
  const line = points.map(({ predicted, observed }, i) => `${i === 0 ? 'M' : 'L'}${at(predicted, observed)}`)
  const dots = points.map(
    ({ predicted, observed, rows }) =>
      `<path class="dot" d="M${at(predicted, observed)}m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0"><title>${rows} rows</title></path>`,
  )
  return unitPlot(
    `Calibration, expected error ${error}`,
    `Observed share of positive rows against the mean score in ${points.length} groups, with 95 % intervals. The expected calibration error is ${error}.`,
    { x: 'mean score', y: 'observed share' },
    `<path class="whisker" d="${whiskers.join('')}"/><path class="line" d="${line.join('')}"/>${dots.join('')}`,
  )
}

function unitPlot(title: string, description: string, names: { x: string; y: string }, body: string): string {
  return svgDocument(SIZE, { title, description }, `${axes(area, unit, unit, names)}${diagonal}${body}`)
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0)
}

/** The interval of a share with 95 % between its two ends. */
function shareInterval(part: number, whole: number): readonly [number, number] {
  const { low, high } = wilson({ part, whole }, 0.025)
  return [low, high]
}
