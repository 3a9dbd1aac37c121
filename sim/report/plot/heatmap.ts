import { type Markup, markup } from '../page/markup.ts'
import { BINS, type ColourScale } from './bins.ts'
import { type Described, label, nothing, px, svg, textWidth } from './frame.ts'

export type HeatRow = {
  readonly name: string
  /** Of a group of rows; a bracket is drawn beside rows of the same group that follow each other. */
  readonly group: string
  /** One value for each column; null where there is none. */
  readonly values: readonly (number | null)[]
  /** Signs on the cells: `point` for what is out of the ordinary, `cross` for what was left out. */
  readonly signs?: readonly ('point' | 'cross' | undefined)[]
}

export type Heatmap = Described & {
  readonly x: string
  readonly columns: readonly string[]
  readonly rows: readonly HeatRow[]
  readonly scale: ColourScale
  readonly written: (value: number) => string
}

const ROW = 15
const TOP = 30
const GAP = 8
const MOST_TIPS = 800
/** Beside the names: brackets of groups at the left, a gap at the right. */
const MARGIN = 30
/** Widths of one column of the page, and of all three. */
const NARROW = 368
const WIDE = 1_200
/** A cell must have room for a sign. */
const LEAST_CELL = 11

type Layout = { readonly left: number; readonly cell: number; readonly y: readonly number[]; readonly bottom: number }

/** Many rows of many small cells, without figures on them. */
export function heatmap({ rows, columns, scale, written, x, ...described }: Heatmap): Markup {
  if (rows.length === 0 || columns.length === 0) return nothing('there is nothing to show')
  const place = layoutOf(rows, columns.length)
  const width = place.left + place.cell * columns.length + 8
  const tipped = rows.length * columns.length <= MOST_TIPS
  const cells = tipped ? cellsWithTips({ rows, columns, scale, written }, place) : cellsInRuns(rows, scale, place)
  return svg(
    { width, height: place.bottom + 6 },
    described,
    markup`${namesOfColumns(columns, place, x)}${cells}${signsOf(rows, place)}${namesOfRows(rows, place)}${groupsOf(rows, place)}`,
    false,
  )
}

function layoutOf(rows: readonly HeatRow[], columns: number): Layout {
  const left = namesWidth(rows) + MARGIN
  const y: number[] = []
  let bottom = TOP
  rows.forEach(({ group }, i) => {
    if (i > 0 && group !== rows[i - 1]?.group) bottom += GAP
    y.push(bottom)
    bottom += ROW
  })
  const width = fitsColumn(rows, columns) ? NARROW : WIDE
  return {
    left,
    cell: Math.max(LEAST_CELL, Math.min(40, Math.floor((2 * (width - left - 8)) / columns) / 2)),
    y,
    bottom,
  }
}

function namesWidth(rows: readonly Pick<HeatRow, 'name'>[]): number {
  return Math.min(150, Math.max(40, ...rows.map(({ name }) => textWidth(name))))
}

/** Whether a heatmap has room in one column of the page. */
export function fitsColumn(rows: readonly Pick<HeatRow, 'name'>[], columns: number): boolean {
  return namesWidth(rows) + MARGIN + 8 + columns * LEAST_CELL <= NARROW
}

function cellsWithTips(
  { rows, columns, scale, written }: Pick<Heatmap, 'rows' | 'columns' | 'scale' | 'written'>,
  { left, cell, y }: Layout,
): Markup[] {
  return rows.flatMap(({ name, values }, i) =>
    values.flatMap((value, j) =>
      value === null
        ? []
        : markup`<rect class="${scale.kind}${scale.binOf(value)}" x="${left + j * cell}" y="${y[i] ?? 0}" width="${cell - 1}" height="${ROW - 1}"><title>${name}, ${columns[j]}: ${written(value)}</title></rect>`,
    ),
  )
}

/** Cells of one colour that touch in one stroke, and all of a colour in one path: a tenth of the bytes. */
function cellsInRuns(rows: readonly HeatRow[], scale: ColourScale, { left, cell, y }: Layout): Markup[] {
  const paths = Array<string>(BINS).fill('')
  rows.forEach(({ values }, i) => {
    let from = 0
    while (from < values.length) {
      const bin = binOf(values[from], scale)
      let to = from + 1
      while (to < values.length && binOf(values[to], scale) === bin) to++
      if (bin !== undefined) {
        const run = (to - from) * cell - 1
        paths[bin] += `M${left + from * cell} ${y[i]}h${run}v${ROW - 1}h-${run}z`
      }
      from = to
    }
  })
  return paths.flatMap((path, bin) => (path === '' ? [] : markup`<path class="${scale.kind}${bin}" d="${path}"/>`))
}

function binOf(value: number | null | undefined, scale: ColourScale): number | undefined {
  return value === null || value === undefined ? undefined : scale.binOf(value)
}

/** A point is a stroke of no length with round ends; it has a halo so that it is seen on any colour. */
function signsOf(rows: readonly HeatRow[], { left, cell, y }: Layout): Markup {
  let points = ''
  let crosses = ''
  rows.forEach(({ signs = [] }, i) => {
    signs.forEach((sign, j) => {
      const [x, middle] = [left + (j + 0.5) * cell - 0.5, (y[i] ?? 0) + (ROW - 1) / 2]
      if (sign === 'point') points += `M${px(x)} ${px(middle)}h0`
      if (sign === 'cross') crosses += `M${px(x - 3)} ${px(middle - 3)}l6 6m0-6l-6 6`
    })
  })
  return markup`${crosses !== '' && markup`<path class="cross" d="${crosses}"/>`}${points !== '' && markup`<path class="halo" d="${points}"/><path class="point" d="${points}"/>`}`
}

function namesOfColumns(columns: readonly string[], { left, cell }: Layout, x: string): Markup {
  const widest = Math.max(...columns.map(textWidth)) + 8
  const stride = Math.max(1, Math.ceil(widest / cell))
  const names = columns.flatMap((name, j) =>
    j % stride === 0
      ? markup`<text class="axis middle" x="${px(left + (j + 0.5) * cell)}" y="${TOP - 7}">${name}</text>`
      : [],
  )
  return markup`<text class="axis end" x="${left - 6}" y="${TOP - 7}">${x}</text>${names}`
}

function namesOfRows(rows: readonly HeatRow[], { left, y }: Layout): Markup[] {
  return rows.map(
    ({ name }, i) =>
      markup`<text class="axis end" x="${left - 6}" y="${(y[i] ?? 0) + ROW / 2 + 4}">${label(name, left - MARGIN)}</text>`,
  )
}

/** A bracket and an upright name beside each group, where there are several. */
function groupsOf(rows: readonly HeatRow[], { y }: Layout): Markup[] {
  const groups: { name: string; from: number; to: number }[] = []
  rows.forEach(({ group }, i) => {
    const last = groups.at(-1)
    if (last?.name === group) last.to = i
    else groups.push({ name: group, from: i, to: i })
  })
  if (groups.length < 2) return []
  return groups.map(({ name, from, to }) => {
    const [top, bottom] = [(y[from] ?? 0) + 1, (y[to] ?? 0) + ROW - 2]
    const middle = (top + bottom) / 2
    const fits = textWidth(name) < bottom - top
    return markup`<path class="bracket" d="M20 ${top}h-4V${bottom}h4"/>${fits && markup`<text class="axis middle" transform="translate(10 ${px(middle)}) rotate(-90)">${name}</text>`}`
  })
}
