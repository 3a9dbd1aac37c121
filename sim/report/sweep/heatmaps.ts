import { figureOf } from '../page/figure.ts'
import { type Markup, markup } from '../page/markup.ts'
import { table } from '../page/table.ts'
import { figure, plural } from '../page/text.ts'
import { extentOf } from '../plot/axis.ts'
import { type ColourScale, sequentialScale } from '../plot/bins.ts'
import { type MatrixCell, matrix } from '../plot/matrix.ts'
import { ramp } from '../plot/ramp.ts'
import type { SweepAxis, SweepRow, SweepTable } from '../sweep-table.ts'
import { shortName } from './names.ts'
import { gridAxes, type Order, orderOf, type Panel, panelsOf, scoreOf } from './scores.ts'

const MOST_PANELS = 24
/** Larger grids are not legible; the table has them. */
const MOST_ROWS = 60
const MOST_COLUMNS = 30

/** Heatmaps of the scores over two axes, one for each combination of the others; undefined where the sweep is no grid. */
export function heatmaps(sweep: SweepTable): Markup | undefined {
  const axes = gridAxes(sweep)
  if (axes === undefined || axes[0].values.length > MOST_ROWS || axes[1].values.length > MOST_COLUMNS) return undefined
  const panels = panelsOf(sweep, axes)
  const full = panels.reduce((sum, panel) => sum + filled(panel), 0)
  if (2 * full < panels.length * axes[0].values.length * axes[1].values.length) return undefined
  const scores = sweep.rows.map(scoreOf)
  const scale = scaleOf(scores)
  const shown = panels.slice(0, MOST_PANELS)
  const wide = axes[1].values.length > 4
  const left =
    panels.length > shown.length &&
    markup`<p class="lead">The first ${MOST_PANELS} of ${plural(panels.length, 'heatmap')}; the table has all figures.</p>`
  return markup`<div class="block">${ramp(scale, sweep.metric, (value) => figure(value, 2))}</div>${left}
<div class="grid panels">${shown.map((panel) => panelFigure(sweep, panel, scale, wide ? 3 : 1))}</div>`
}

/** From 0 where that is near: a share is a share of all. */
function scaleOf(scores: readonly (number | null)[]): ColourScale {
  const [min, max] = extentOf(scores) ?? [0, 1]
  return sequentialScale(min >= 0 && max <= 1 ? [0, 1] : [min, max])
}

function filled({ rows, columns, at }: Panel): number {
  return rows.values.reduce(
    (sum, row) => sum + columns.values.filter((column) => at(row, column) !== undefined).length,
    0,
  )
}

function panelFigure(sweep: SweepTable, panel: Panel, scale: ColourScale, span: 1 | 3): Markup {
  const { rows, columns, fixed } = panel
  const order = orderOf(sweep)
  const lines = rows.values.map((row) => lineOf(panel, row, order))
  const best = bestLine(lines, order)
  const words = Object.entries(fixed).map(([name, value]) => `${shortName(name)} ${value}`)
  const title = words.length === 0 ? `${shortName(rows.name)} × ${shortName(columns.name)}` : words.join(', ')
  const widest = Math.max(...columns.values.map((name) => name.length))
  const incomplete = lines.some(({ cells }) => cells.some(({ row }) => row?.incomplete !== undefined))
  return figureOf({
    title,
    span,
    ...(incomplete ? { note: '* is a score of only some of the simulations.' } : {}),
    plot: matrix({
      title,
      description: `${sweep.metric} by ${rows.name} and ${columns.name}. The table has the figures.`,
      x: shortName(columns.name),
      y: shortName(rows.name),
      columns: [...columns.values, 'worst'],
      gapsBefore: [columns.values.length],
      rows: lines.map((line, i) => ({
        name: line.name,
        strong: i === best,
        cells: [...line.cells.map((cell) => matrixCell(cell, line.worst)), worstCell(line, i === best)],
      })),
      scale,
      cell: { width: span === 3 ? Math.max(54, Math.min(110, widest * 7 + 12)) : 54, height: 28 },
    }),
    table: panelTable(title, rows, columns, lines),
  })
}

type Cell = { readonly row: SweepRow | undefined; readonly tip: string; readonly score: number | null }
type Line = { readonly name: string; readonly cells: readonly Cell[]; readonly worst: Cell | undefined }

function lineOf({ rows, columns, at }: Panel, name: string, { compare }: Order): Line {
  const cells = columns.values.map((column): Cell => {
    const row = at(name, column)
    return {
      row,
      score: row === undefined ? null : scoreOf(row),
      tip: `${shortName(rows.name)} ${name}, ${shortName(columns.name)} ${column}: ${cellWords(row)}`,
    }
  })
  const scored = cells.filter(({ score }) => score !== null)
  return { name, cells, worst: scored.sort((a, b) => compare(b.score, a.score))[0] }
}

export function cellWords(row: SweepRow | undefined): string {
  if (row === undefined) return 'not tried'
  const score = scoreOf(row)
  if (score === null) return row.failure ?? 'no score'
  const spread = row.spread === undefined ? '' : ` ± ${figure(row.spread)}`
  const worst = row.worst === undefined ? '' : ` by ${row.worst}`
  const incomplete = row.incomplete === undefined ? '' : `; not of all simulations: ${row.incomplete}`
  return `${figure(score)}${spread}${worst} (${plural(row.seeds, 'seed')})${incomplete}`
}

/** The row whose worst cell is the best. */
function bestLine(lines: readonly Line[], { compare }: Order): number {
  let best = -1
  lines.forEach(({ worst }, i) => {
    if (worst !== undefined && (best < 0 || compare(worst.score, lines[best]?.worst?.score ?? null) < 0)) best = i
  })
  return best
}

function matrixCell(cell: Cell, worst: Cell | undefined): MatrixCell {
  const { score, row, tip } = cell
  if (score === null) return { value: null, tip, text: row === undefined ? '' : 'failed' }
  return {
    value: score,
    tip,
    text: `${figure(score, 2)}${row?.incomplete === undefined ? '' : '*'}`,
    ring: cell === worst,
  }
}

function worstCell({ worst, name }: Line, best: boolean): MatrixCell {
  if (worst === undefined || worst.score === null) return { value: null, tip: `${name}: no score` }
  return {
    value: worst.score,
    tip: `worst of ${name}: ${worst.tip}`,
    text: `${figure(worst.score, 2)}${best ? ' ★' : ''}`,
  }
}

function panelTable(title: string, rows: SweepAxis, columns: SweepAxis, lines: readonly Line[]): Markup {
  return table({
    label: title,
    head: [shortName(rows.name), ...columns.values, 'worst'],
    rows: lines.map(({ name, cells, worst }) => [
      name,
      ...cells.map(({ row }) => (row === undefined ? '–' : cellWords(row))),
      figure(worst?.score ?? null),
    ]),
  })
}
