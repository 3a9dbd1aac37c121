import { type Markup, markup } from '../page/markup.ts'
import { extentOf, type Interval, linearAxis } from './axis.ts'
import { COLUMN, type Described, nothing, px, type Size, svg, textWidth, yAxis } from './frame.ts'
import type { Quantity } from './ticks.ts'

/** One upright bar, of one or more parts that stand on each other. */
export type Column = { readonly name: string; readonly parts: readonly number[]; readonly tip: string }

export type Columns = Described & {
  readonly x: string
  readonly y: { readonly name: string; readonly quantity: Quantity }
  readonly columns: readonly Column[]
  /** The surface of each part; the same as a legend gives. */
  readonly surfaces: readonly number[]
  readonly size?: Size
}

/** Upright bars, plain or stacked. */
export function columnChart({ columns, surfaces, x, y, size = COLUMN, ...described }: Columns): Markup {
  const most = extentOf(columns.map(({ parts }) => parts.reduce((sum, part) => sum + part, 0)))?.[1]
  if (most === undefined) return nothing('there was no round')
  const axis = linearAxis([0, Math.max(most, y.quantity === 'number' ? 0 : 1)], { quantity: y.quantity })
  const left = Math.max(28, ...axis.ticks.map((tick) => textWidth(tick.label))) + 8
  const area = { x: [left, size.width - 14] as Interval, y: [size.height - 42, 24] as Interval }
  const band = (area.x[1] - area.x[0]) / columns.length
  const width = Math.max(1, Math.min(36, band * (band > 5 ? 0.8 : 0.92)))
  const bars = columns.map((column, i) => {
    const from = area.x[0] + (i + 0.5) * band - width / 2
    return markup`<g><title>${column.tip}</title>${partsOf(column, surfaces, from, width, (value) => axis.at(value, area.y))}</g>`
  })
  return svg(
    size,
    described,
    markup`${yAxis(area, axis, y.name)}${bars}<path class="base" d="M${area.x[0]} ${area.y[0]}H${area.x[1]}"/>${namesOf(columns, area.x, band, area.y[0] + 17)}<text class="axis end" x="${area.x[1]}" y="${area.y[0] + 34}">${x}</text>`,
  )
}

function partsOf(
  { parts }: Column,
  surfaces: readonly number[],
  x: number,
  width: number,
  at: (value: number) => number,
): Markup[] {
  let sum = 0
  return parts.flatMap((part, i) => {
    if (!(part > 0)) return []
    const [bottom, top] = [at(sum), at(sum + part)]
    sum += part
    return markup`<rect class="f${surfaces[i] ?? 0}" x="${px(x)}" y="${px(top)}" width="${px(width)}" height="${px(bottom - top)}"/>`
  })
}

/** As many names as there is room for, from the first one on. */
function namesOf(columns: readonly Column[], [left]: Interval, band: number, y: number): Markup[] {
  const widest = Math.max(...columns.map(({ name }) => textWidth(name))) + 8
  const stride = Math.max(1, Math.ceil(widest / band))
  return columns.flatMap(({ name }, i) =>
    i % stride === 0
      ? markup`<text class="axis middle" x="${px(left + (i + 0.5) * band)}" y="${y}">${name}</text>`
      : [],
  )
}
