import { type Markup, markup, type Part } from '../page/markup.ts'
import type { Axis, Interval } from './axis.ts'

/** What a chart is called, and what it says in words to whoever does not see it. */
export type Described = { readonly title: string; readonly description: string }

export type Size = { readonly width: number; readonly height: number }

/** The size of a chart that fills a column of the page, and stays legible on a telephone. */
export const COLUMN: Size = { width: 400, height: 250 }

export type Area = { readonly x: Interval; readonly y: Interval }

/** `fluid` charts take the width of their column; others keep their own, and scroll where there is less. */
export function svg(size: Size, { title, description }: Described, body: Part, fluid = true): Markup {
  const { width, height } = size
  return markup`<svg class="plot${fluid ? ' fluid' : ''}" role="img" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"><title>${title}</title><desc>${description}</desc>${body}</svg>`
}

/** A tenth of a pixel is as fine as anybody sees. */
export function px(value: number): number {
  return Math.round(value * 10) / 10
}

/** About how wide a text of 12 px is. Nobody can measure it here; digits and small letters are about this wide in any sans-serif. */
export function textWidth(text: string): number {
  return [...text].length * 7
}

/** A text cut to a width, with the whole of it to be seen when pointed at. */
export function label(text: string, width: number): Markup {
  const letters = [...text]
  const room = Math.max(3, Math.floor(width / 7))
  if (letters.length <= room) return markup`${text}`
  const head = Math.ceil((room - 1) / 2)
  // The end of a name tells it from its neighbours as often as its beginning does.
  const shown = `${letters.slice(0, head).join('')}…${letters.slice(letters.length - (room - 1 - head)).join('')}`
  return markup`<title>${text}</title>${shown}`
}

export type Labels = { readonly x: string; readonly y: string }

/** The axes of a chart, and the area that is left for what it shows. */
export function frameOf(size: Size, x: Axis, y: Axis, labels: Labels): { area: Area; axes: Markup } {
  const left = Math.max(28, ...y.ticks.map((tick) => textWidth(tick.label))) + 8
  const area: Area = { x: [left, size.width - 14], y: [size.height - 42, 24] }
  return { area, axes: markup`${yAxis(area, y, labels.y)}${xAxis(area, x, labels.x)}` }
}

export function yAxis({ x, y }: Area, axis: Axis, name: string): Markup {
  const marks = axis.ticks.map(({ value, label: text }) => {
    const at = px(axis.at(value, y))
    return markup`<path class="rule" d="M${x[0]} ${at}H${x[1]}"/><text class="axis end" x="${x[0] - 6}" y="${px(at + 4)}">${text}</text>`
  })
  return markup`${marks}<text class="axis start" x="0" y="11">${name}</text>`
}

export function xAxis({ x, y }: Area, axis: Axis, name: string): Markup {
  const marks = thinned(axis, x).map(({ value, label: text }) => {
    const at = px(axis.at(value, x))
    return markup`<path class="base" d="M${at} ${y[0]}v4"/><text class="axis middle" x="${at}" y="${y[0] + 17}">${text}</text>`
  })
  return markup`<path class="base" d="M${x[0]} ${y[0]}H${x[1]}"/>${marks}<text class="axis end" x="${x[1]}" y="${y[0] + 34}">${name}</text>`
}

/** Ticks whose labels do not run into each other. */
function thinned(axis: Axis, range: Interval): Axis['ticks'] {
  let border = -Infinity
  return axis.ticks.filter(({ value, label: text }) => {
    const at = axis.at(value, range)
    const half = textWidth(text) / 2
    if (at - half < border + 6) return false
    border = at + half
    return true
  })
}

/** What stands in the place of a chart that has nothing to show. */
export function nothing(words: string): Markup {
  const size = { width: COLUMN.width, height: 90 }
  return svg(
    size,
    { title: words, description: words },
    markup`<rect class="empty" x=".5" y=".5" width="${size.width - 1}" height="${size.height - 1}" rx="6"/><text class="axis middle" x="${size.width / 2}" y="${size.height / 2 + 4}">${words}</text>`,
  )
}
