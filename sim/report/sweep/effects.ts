import { figureOf } from '../page/figure.ts'
import { type Markup, markup } from '../page/markup.ts'
import { table } from '../page/table.ts'
import { capitalised, count, figure, plural } from '../page/text.ts'
import { type DotRow, dotPlot } from '../plot/dots.ts'
import { bucketsOf } from '../reduce/downsample.ts'
import { mean } from '../reduce/statistics.ts'
import type { SweepAxis, SweepTable } from '../sweep-table.ts'
import { shortName } from './names.ts'
import { scoreOf, varied } from './scores.ts'

/** More values than that are drawn in groups. */
const MOST_VALUES = 24
const GROUPS = 10

type Group = { readonly name: string; readonly scores: readonly number[] }

/** The score against each axis by itself, whatever the others were: what a random or Bayesian search has to show. */
export function effects(sweep: SweepTable): Markup {
  return markup`<div class="grid">${varied(sweep).map((axis) => effectFigure(sweep, axis))}</div>`
}

function effectFigure(sweep: SweepTable, axis: SweepAxis): Markup {
  const groups = groupsOf(sweep, axis)
  const grouped = axis.values.length > MOST_VALUES
  const title = `${capitalised(sweep.metric)} by ${shortName(axis.name)}`
  const rows = groups.map(({ name, scores }): DotRow => {
    const middle = mean(scores)
    const spread = scores.length > 1 ? ([Math.min(...scores), Math.max(...scores)] as const) : undefined
    return {
      name,
      values: middle === null ? [] : [middle],
      tip: `${name}: mean ${figure(middle)} of ${plural(scores.length, 'configuration')}`,
      ...(spread === undefined ? {} : { spread }),
    }
  })
  return figureOf({
    title,
    note: `Mean over all configurations with a value; the line reaches from the least to the greatest.${
      grouped ? ` ${count(axis.values.length)} values in ${GROUPS} groups.` : ''
    }`,
    plot: dotPlot({
      title,
      description: `Mean, least and greatest ${sweep.metric} for each value of ${axis.name}.`,
      x: sweep.metric,
      rows,
    }),
    table: table({
      label: title,
      head: [shortName(axis.name), 'configurations', 'mean', 'least', 'greatest'],
      rows: groups.map(({ name, scores }) => [
        name,
        count(scores.length),
        figure(mean(scores)),
        figure(scores.length === 0 ? null : Math.min(...scores)),
        figure(scores.length === 0 ? null : Math.max(...scores)),
      ]),
    }),
  })
}

function groupsOf({ rows }: SweepTable, axis: SweepAxis): Group[] {
  const scores = new Map<string, number[]>(axis.values.map((value) => [value, []]))
  for (const row of rows) {
    const score = scoreOf(row)
    if (score !== null) scores.get(row.values[axis.name] ?? '')?.push(score)
  }
  const each = [...scores].map(([name, own]) => ({ name, scores: own }))
  if (each.length <= MOST_VALUES) return each
  const numeric = each.every(({ name }) => name.trim() !== '' && Number.isFinite(Number(name)))
  const order = numeric ? each.sort((a, b) => Number(a.name) - Number(b.name)) : each
  return bucketsOf(order.length, GROUPS).map(({ from, to }) => {
    const within = order.slice(from, to)
    const [first, last] = [within[0]?.name ?? '', within.at(-1)?.name ?? '']
    return {
      name: first === last ? first : `${brief(first)} to ${brief(last)}`,
      scores: within.flatMap((one) => one.scores),
    }
  })
}

/** A random number has more digits than anybody reads. */
function brief(value: string): string {
  const number = Number(value)
  return value.length > 8 && Number.isFinite(number) ? String(Number(number.toPrecision(3))) : value
}
