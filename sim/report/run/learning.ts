import { leadingOf, lowerIsBetter, type MetricName, metricTable } from '../../../core/metrics/metrics.ts'
import type { SimulatedRound } from '../../results.ts'
import { figureOf, type LegendEntry } from '../page/figure.ts'
import { type Markup, markup } from '../page/markup.ts'
import { capitalised, count, plural } from '../page/text.ts'
import { BAND_POINTS, LINE_POINTS, type LineChart, lineChart, type Series } from '../plot/line-chart.ts'
import { evenly, type Point } from '../reduce/downsample.ts'
import { quantile, sortedOf } from '../reduce/statistics.ts'
import { nameOfMetric } from './overview.ts'

export const ROUND_AXIS = { name: 'round', quantity: 'integer' } as const
export const SHARE_AXIS = { quantity: 'number', bounds: [0, 1], leastSpan: 0.05 } as const

/** How well the model did, round by round. */
export function learning(rounds: readonly SimulatedRound[]): Markup {
  const [first, second] = leadingOf(rounds.flatMap(({ central, pooled }) => [central, pooled]))
  return markup`<div class="grid">${metricFigure(rounds, first, true)}${metricFigure(rounds, second, false)}${spreadFigure(rounds, first)}</div>`
}

/** An axis for a metric: shares from 0 to 1, others as far as they go. */
export function metricAxis(metric: MetricName): LineChart['y'] {
  const name = nameOfMetric(metric)
  return metricTable[metric].range[1] === 1 && metricTable[metric].range[0] === 0
    ? { name, ...SHARE_AXIS }
    : { name, quantity: 'number', maybeLog: true }
}

const MEANINGS: { readonly [metric in MetricName]?: string } = {
  accuracy: 'Share of rows given their true class',
  loss: 'Mean loss of a row',
  mae: 'Mean distance of a prediction from its label',
  rmse: 'Root of the mean squared error of a row',
}

type Figured = (round: SimulatedRound) => number | null | undefined

/** A line over the rounds; a round without the figure breaks it only where a neighbour has it. */
export function overRounds(name: string, style: number, rounds: readonly SimulatedRound[], of: Figured): Series {
  const points: Point[] = rounds.flatMap((round) => {
    const y = of(round)
    return y === undefined ? [] : { x: round.round, y }
  })
  return { name, style, points }
}

export function measured({ points }: Series): boolean {
  return points.some(({ y }) => y !== null && Number.isFinite(y))
}

export function lineLegend(series: readonly Series[]): LegendEntry[] {
  return series.map(({ name, style }) => ({ name, line: style }))
}

/** What a figure's note says when not every point is drawn. */
export function thinningNote(rounds: readonly unknown[]): string | undefined {
  return rounds.length <= LINE_POINTS
    ? undefined
    : `Of ${plural(rounds.length, 'round')}, each stretch is drawn by its first, lowest, highest and last point.`
}

/** The same where only every so many rounds are looked at. */
export function bandNote(rounds: readonly unknown[]): string {
  return rounds.length <= BAND_POINTS ? '' : ` ${BAND_POINTS} of ${count(rounds.length)} rounds, evenly chosen.`
}

function both(rounds: readonly SimulatedRound[], metric: MetricName): Series[] {
  return [
    overRounds('central test set', 0, rounds, ({ central }) => central?.[metric]),
    overRounds('clients’ held-out rows, pooled', 1, rounds, ({ pooled }) => pooled?.[metric]),
  ]
}

function metricFigure(rounds: readonly SimulatedRound[], metric: MetricName, withAttack: boolean): Markup {
  const attack = overRounds('attack success', 2, rounds, ({ attackSuccess }) => attackSuccess)
  const series = [...both(rounds, metric), ...(withAttack ? [attack] : [])].filter(measured)
  const name = nameOfMetric(metric)
  return lines(capitalised(name), MEANINGS[metric] ?? capitalised(name), series, rounds, metricAxis(metric))
}

export function lines(
  title: string,
  meaning: string,
  series: readonly Series[],
  rounds: readonly unknown[],
  y: LineChart['y'],
): Markup {
  const ends = series.map(({ name, points }) => {
    const [first, last] = [points.at(0)?.y, points.at(-1)?.y]
    return `${name} from ${first?.toPrecision(3) ?? 'nothing'} to ${last?.toPrecision(3) ?? 'nothing'}`
  })
  const description = `${meaning}, round by round: ${ends.join('; ')}. The table of all rounds has the figures.`
  const note = [`${meaning}.`, thinningNote(rounds)].filter((words) => words !== undefined).join(' ')
  return figureOf({
    title,
    note,
    legend: lineLegend(series),
    plot: lineChart({ title, description, x: ROUND_AXIS, y, series }),
  })
}

/** How different the model is for different clients: a mean hides whom it fails. */
function spreadFigure(rounds: readonly SimulatedRound[], metric: MetricName): Markup {
  const name = nameOfMetric(metric)
  const lower = lowerIsBetter(metric)
  const evaluated = rounds.filter(({ clients }) => clients.length > 0)
  const spread = evenly(evaluated, BAND_POINTS).map(({ round, clients }) => {
    const sorted = sortedOf(clients.flatMap(({ metrics }) => metrics[metric] ?? []))
    return {
      x: round,
      worst: quantile(sorted, lower ? 1 : 0),
      low: quantile(sorted, 0.1),
      y: quantile(sorted, 0.5),
      high: quantile(sorted, 0.9),
    }
  })
  if (spread.length === 0) return markup``
  const title = `${capitalised(name)} of single clients`
  const series = [
    { name: 'median', style: 0, points: spread },
    { name: 'worst', style: 1, points: spread.map(({ x, worst }) => ({ x, y: worst })) },
  ]
  return figureOf({
    title,
    note: `Each client on its own held-out rows.${bandNote(evaluated)}`,
    legend: [...lineLegend(series), { name: 'middle 80\u00a0% of the clients', band: 0 }],
    plot: lineChart({
      title,
      description: `Median, worst and middle 80\u00a0% of the clients’ ${name}, round by round.`,
      x: ROUND_AXIS,
      y: metricAxis(metric),
      series,
      bands: [{ style: 0, points: spread }],
    }),
  })
}
