import { type Markup, markup } from '../page/markup.ts'
import { extentOf, linearAxis } from './axis.ts'
import { type Area, type Described, label, nothing, px, svg, textWidth, xAxis } from './frame.ts'
import { MARKERS } from './markers.ts'

/** The values of one thing, each a dot on its row. */
export type DotRow = {
  readonly name: string
  readonly values: readonly number[]
  /** From least to greatest of what the dots are the middle of. */
  readonly spread?: readonly [number, number]
  readonly tip: string
}

export type Dots = Described & { readonly x: string; readonly rows: readonly DotRow[]; readonly width?: number }

const TOP = 4
const PITCH = 20

/** Values on a row each, along one axis. */
export function dotPlot({ x, rows, width = 400, ...described }: Dots): Markup {
  const extent = extentOf(rows.flatMap(({ values, spread }) => [...values, ...(spread ?? [])]))
  if (extent === undefined) return nothing('nothing was measured')
  const room = Math.max(40, Math.min(150, Math.max(...rows.map(({ name }) => textWidth(name))) + 10))
  const height = TOP + rows.length * PITCH
  const area: Area = { x: [room, width - 14], y: [height, TOP] }
  const axis = linearAxis(extent, { quantity: 'number', most: 5 })
  const grid = axis.ticks.map(
    ({ value }) => markup`<path class="rule" d="M${px(axis.at(value, area.x))} ${TOP}V${height}"/>`,
  )
  const body = rows.map(({ name, values, spread, tip }, i) => {
    const y = TOP + (i + 0.5) * PITCH
    const dots = values.map((value) => `M${px(axis.at(value, area.x))} ${y}m${MARKERS[0].slice(1)}`).join('')
    const line =
      spread !== undefined &&
      markup`<path class="spread" d="M${px(axis.at(spread[0], area.x))} ${y}H${px(axis.at(spread[1], area.x))}"/>`
    return markup`<g class="s0"><title>${tip}</title>${line}<path class="dot" d="${dots}"/><text class="axis end" x="${room - 6}" y="${y + 4}">${label(name, room - 8)}</text></g>`
  })
  return svg({ width, height: height + 40 }, described, markup`${grid}${body}${xAxis(area, axis, x)}`)
}
