import { headlineOf, leadingOf, type MetricName } from '../../core/metrics/metrics.ts'
import type { SimulatedRound } from '../results.ts'
import type { CrossValidation, FoldResult, FoldSpread } from '../sweep/cross-validate.ts'
import { documentOf } from './page/document.ts'
import { figureOf } from './page/figure.ts'
import { type Markup, markup } from './page/markup.ts'
import { table, tiles } from './page/table.ts'
import { capitalised, count, figure, listed, plural } from './page/text.ts'
import { dotPlot } from './plot/dots.ts'
import { type LineChart, lineChart } from './plot/line-chart.ts'
import { lineLegend, measured, metricAxis, overRounds, ROUND_AXIS } from './run/learning.ts'
import { metricHead, nameOfMetric, outcomeWords } from './run/overview.ts'

/** A cross-validation over clients as one HTML document that needs nothing besides itself. */
export function foldsReport(validation: CrossValidation): string {
  const { folds, description } = validation
  const [first = '', ...rest] = (description ?? '').trim().split('\n')
  const lead = rest.join('\n').trim()
  return documentOf({
    kind: 'cross-validation over clients',
    title: first === '' ? `Cross-validation in ${plural(folds.length, 'fold')}` : first,
    ...(lead === '' ? {} : { lead }),
    summary: markup`${summary(validation)}${spreads(validation)}`,
    sections: [
      { id: 'folds', title: 'Fold by fold', body: markup`${dots(folds)}${foldTable(folds)}` },
      {
        id: 'learning',
        title: 'Learning',
        lead: 'On the rows of the clients that were held out.',
        body: curves(folds),
      },
    ],
  })
}

export function spreadWords({ mean, deviation }: FoldSpread): string {
  return deviation === undefined ? figure(mean) : `${figure(mean)} ± ${figure(deviation)}`
}

function summary({ folds, metrics }: CrossValidation): Markup {
  const failed = folds.filter(({ result }) => result.outcome.kind === 'failed').length
  const tile = (name: string, wanted: MetricName) => {
    const found = metrics.find(({ metric }) => metric === wanted)
    if (found === undefined) return []
    return [{ name, value: spreadWords(found.outside), note: 'at clients that were held out, mean ± deviation' }]
  }
  return tiles([
    ...leadingOf(recordsOf(folds)).flatMap((metric) => tile(capitalised(nameOfMetric(metric)), metric)),
    {
      name: 'Folds',
      value: count(folds.length),
      note: failed === 0 ? 'each trained to its end' : `${count(failed)} failed`,
    },
    {
      name: 'Clients',
      value: count(folds.reduce((sum, { heldOut }) => sum + heldOut.length, 0)),
      note: 'each held out once',
    },
  ])
}

function spreads({ metrics, folds }: CrossValidation): Markup {
  const rows = metrics
    .filter(({ outside, inside }) => outside.folds > 0 || inside.folds > 0)
    .map(({ metric, outside, inside }) => [
      nameOfMetric(metric),
      spreadWords(outside),
      `${count(outside.folds)} of ${count(folds.length)}`,
      spreadWords(inside),
    ])
  return markup`<div class="block">${table({
    label: 'Mean and standard deviation over the folds',
    head: ['mean ± standard deviation', 'clients held out', 'folds', 'clients that trained'],
    rows,
  })}</div>`
}

function recordsOf(folds: readonly FoldResult[]) {
  return folds.flatMap(({ outside, inside }) => [outside, inside])
}

function dots(folds: readonly FoldResult[]): Markup {
  const [metric] = leadingOf(recordsOf(folds))
  const name = nameOfMetric(metric)
  const title = `${capitalised(name)} by fold`
  return markup`<div class="grid">${figureOf({
    title,
    note: 'On all rows of the clients that were held out.',
    plot: dotPlot({
      title,
      description: `The ${name} of each fold. The table has the figures.`,
      x: name,
      rows: folds.map(({ fold, outside, heldOut }) => ({
        name: `fold ${fold}`,
        values: [outside?.[metric]].filter((value) => typeof value === 'number'),
        tip: `fold ${fold}: ${figure(outside?.[metric])} at ${listed(heldOut)}`,
      })),
    }),
  })}</div>`
}

function foldTable(folds: readonly FoldResult[]): Markup {
  const names = headlineOf(recordsOf(folds))
  return markup`<div class="block">${table({
    label: 'Folds',
    head: ['fold', 'held out', 'rows', ...metricHead(names), 'outcome', 'weights'],
    words: [1, 3 + names.length, 4 + names.length],
    rows: folds.map(({ fold, heldOut, outside, result }) => [
      count(fold),
      markup`<span class="w">${listed(heldOut)}</span>`,
      outside === undefined ? '–' : count(outside.rows),
      ...names.map((name) => figure(outside?.[name])),
      outcomeWords(result.outcome),
      result.weights === undefined ? '–' : markup`<code>${result.weights.slice(0, 12)}</code>`,
    ]),
  })}</div>`
}

/** More lines than that cannot be told apart. */
const MOST_LINES = 8

function curves(folds: readonly FoldResult[]): Markup {
  const shown = folds.slice(0, MOST_LINES)
  const note = shown.length < folds.length ? `The first ${MOST_LINES} of ${plural(folds.length, 'fold')}.` : undefined
  const chart = (title: string, of: (round: SimulatedRound) => number | null | undefined, y: LineChart['y']) => {
    const series = shown.map(({ fold, result }, i) => overRounds(`fold ${fold}`, i, result.rounds, of)).filter(measured)
    if (series.length === 0) return markup``
    return figureOf({
      title,
      ...(note === undefined ? {} : { note }),
      legend: lineLegend(series),
      plot: lineChart({ title, description: `${title} of each fold, round by round.`, x: ROUND_AXIS, y, series }),
    })
  }
  const drawn = leadingOf(recordsOf(folds)).map((metric) =>
    chart(capitalised(nameOfMetric(metric)), ({ central }) => central?.[metric], metricAxis(metric)),
  )
  return markup`<div class="grid">${drawn}</div>`
}
