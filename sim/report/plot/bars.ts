import { type Markup, markup } from '../page/markup.ts'
import { type Interval, linearAxis } from './axis.ts'
import { type Area, type Described, label, nothing, px, svg, textWidth, xAxis } from './frame.ts'
import type { Quantity } from './ticks.ts'

/** One lying bar. Its parts follow each other from `from` on. */
export type Bar = {
  readonly name: string
  readonly from?: number
  readonly parts: readonly { readonly size: number; readonly surface: number }[]
  readonly tip: string
  /** Written behind the bar. */
  readonly note?: string
}

export type Bars = Described & {
  readonly x: { readonly name: string; readonly quantity: Quantity }
  readonly bars: readonly Bar[]
  readonly width?: number
  /** A bar's height with the gap below it. */
  readonly pitch?: number
}

const TOP = 4

/** Lying bars, plain, stacked, or as the spans of a timeline. */
export function barChart({ x, bars, width = 400, pitch = 18, ...described }: Bars): Markup {
  if (bars.length === 0) return nothing('there is nothing to show')
  const room = Math.max(40, Math.min(150, Math.max(...bars.map(({ name }) => textWidth(name))) + 10))
  const noteRoom = Math.max(14, ...bars.map(({ note }) => (note === undefined ? 0 : textWidth(note) + 10)))
  const height = TOP + bars.length * pitch
  const area: Area = { x: [room, width - noteRoom], y: [height, TOP] }
  const end = Math.max(...bars.map((bar) => bar.parts.reduce((sum, { size }) => sum + size, bar.from ?? 0)))
  const axis = linearAxis([0, end > 0 ? end : 1], {
    quantity: x.quantity,
    tight: true,
    most: Math.max(3, Math.round(width / 90)),
  })
  const grid = axis.ticks.map(
    ({ value }) => markup`<path class="rule" d="M${px(axis.at(value, area.x))} ${TOP}V${height}"/>`,
  )
  return svg(
    { width, height: height + 40 },
    described,
    markup`${grid}${bars.map((bar, i) => barOf(bar, room, TOP + i * pitch, pitch, (value) => axis.at(value, area.x)))}${xAxis(area, axis, x.name)}`,
  )
}

function barOf(bar: Bar, room: number, y: number, pitch: number, at: (value: number) => number): Markup {
  const thick = pitch - (pitch > 12 ? 4 : 2)
  let sum = bar.from ?? 0
  const parts = bar.parts.flatMap(({ size, surface }) => {
    if (!(size > 0)) return []
    const [from, to]: Interval = [at(sum), at(sum + size)]
    sum += size
    return markup`<rect class="f${surface}" x="${px(from)}" y="${y + 2}" width="${px(Math.max(1, to - from))}" height="${thick}"/>`
  })
  return markup`<g><title>${bar.tip}</title>${parts}<text class="axis end" x="${room - 6}" y="${y + pitch / 2 + 4}">${label(bar.name, room - 8)}</text>${bar.note !== undefined && markup`<text class="axis start" x="${px(at(sum) + 5)}" y="${y + pitch / 2 + 4}">${bar.note}</text>`}</g>`
}
