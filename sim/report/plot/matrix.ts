import { type Markup, markup } from '../page/markup.ts'
import type { ColourScale } from './bins.ts'
import { type Described, label, nothing, px, svg, textWidth } from './frame.ts'

export type MatrixCell = {
  /** What its colour stands for; null is an empty cell. */
  readonly value: number | null
  /** Written on it. */
  readonly text?: string
  readonly tip: string
  /** Framed: the cell to look at. */
  readonly ring?: boolean
}

export type Matrix = Described & {
  readonly x: string
  readonly y: string
  readonly columns: readonly string[]
  readonly rows: readonly { readonly name: string; readonly cells: readonly MatrixCell[]; readonly strong?: boolean }[]
  readonly scale: ColourScale
  readonly cell?: { readonly width: number; readonly height: number }
  /** Before these columns there is a gap: what follows sums up what precedes. */
  readonly gapsBefore?: readonly number[]
  readonly fluid?: boolean
}

/** Room for the name of a row, and of a column that leans. */
const NAME = 150
const LEANING = 190

/** A grid of few large cells with figures on them: a confusion matrix, or the cells of a sweep. */
export function matrix(options: Matrix): Markup {
  const { columns, rows, scale, x, y, cell = { width: 52, height: 30 }, gapsBefore = [], fluid = false } = options
  if (rows.length === 0 || columns.length === 0) return nothing('there is nothing to show')
  // An arrow is wider than a letter.
  const corner = 6 + Math.max(textWidth(`${x} →`), textWidth(`${y} ↓`))
  const names = Math.min(NAME, Math.max(corner, ...rows.map(({ name }) => textWidth(name)))) + 12
  const leaning = columns.some((name) => textWidth(name) > cell.width - 4)
  // The corner names both axes.
  const top = leaning ? Math.max(38, leanHeight(columns) + 6) : 38
  const at = (column: number) => names + column * cell.width + 10 * gapsBefore.filter((gap) => gap <= column).length
  // A leaning name reaches beyond its column.
  const beyond = leaning ? leanHeight(columns.slice(-1)) : 0
  const width = at(columns.length - 1) + cell.width + Math.max(8, beyond)
  const body = rows.map(({ name, cells, strong }, i) => {
    const rowY = top + i * cell.height
    return markup`<text class="${strong === true ? 'strong ' : 'axis '}end" x="${names - 8}" y="${rowY + cell.height / 2 + 4}">${label(name, names - 12)}</text>${cells.map((one, j) => cellOf(one, at(j), rowY, cell, scale))}`
  })
  return svg(
    { width: Math.ceil(width), height: top + rows.length * cell.height + 4 },
    options,
    markup`<text class="axis end" x="${names - 8}" y="${top - 24}">${x} →</text><text class="axis end" x="${names - 8}" y="${top - 8}">${y} ↓</text>${columns.map((name, j) => columnName(name, at(j) + cell.width / 2, top - 8, leaning))}${body}${rings(rows, at, top, cell)}`,
    fluid,
  )
}

function leanHeight(columns: readonly string[]): number {
  return Math.min(LEANING, Math.max(...columns.map(textWidth))) * 0.64 + 14
}

function columnName(name: string, x: number, y: number, leaning: boolean): Markup {
  return leaning
    ? markup`<text class="axis start" transform="translate(${px(x - 4)} ${y}) rotate(-40)">${label(name, LEANING)}</text>`
    : markup`<text class="axis middle" x="${px(x)}" y="${y}">${name}</text>`
}

function cellOf(
  { value, text, tip }: MatrixCell,
  x: number,
  y: number,
  { width, height }: { readonly width: number; readonly height: number },
  scale: ColourScale,
): Markup {
  const gap = width > 8 ? 1 : 0
  if (value === null) {
    return markup`<g><title>${tip}</title><rect class="empty" x="${x + 0.5}" y="${y + 0.5}" width="${width - gap - 1}" height="${height - gap - 1}"/>${text !== undefined && markup`<text class="axis middle" x="${px(x + width / 2)}" y="${px(y + height / 2 + 4)}">${text}</text>`}</g>`
  }
  const bin = `${scale.kind}${scale.binOf(value)}`
  return markup`<g><title>${tip}</title><rect class="${bin}" x="${x}" y="${y}" width="${width - gap}" height="${height - gap}"/>${text !== undefined && markup`<text class="middle on-${bin}" x="${px(x + width / 2)}" y="${px(y + height / 2 + 4)}">${text}</text>`}</g>`
}

/** Over all cells, so that no neighbour covers a frame. */
function rings(
  rows: Matrix['rows'],
  at: (column: number) => number,
  top: number,
  { width, height }: { readonly width: number; readonly height: number },
): Markup[] {
  return rows.flatMap(({ cells }, i) =>
    cells.flatMap(({ ring }, j) =>
      ring === true
        ? markup`<rect class="ring" x="${at(j) + 0.5}" y="${top + i * height + 0.5}" width="${width - 2}" height="${height - 2}"/>`
        : [],
    ),
  )
}
