import { type Area, axisOver, place, xAxisOf } from './axis.ts'
import { px, shortened, svgDocument, text, textWidth, xmlText } from './svg.ts'

export type IntervalBar = {
  readonly name: string
  /** Null where it could not be evaluated. */
  readonly value: number | null
  readonly interval: readonly [number, number] | null
  /** Rows it was measured on. */
  readonly n: number
}

export type IntervalBars = {
  readonly title: string
  readonly metric: string
  readonly bars: readonly IntervalBar[]
}

const WIDTH = 520
const PITCH = 26
const TOP = 36
/** More rows than these are not drawn; the table has them all. */
export const MOST_BARS = 60
/** Letters of a name. */
const NAME = 24

/** A value for each site or subgroup, as a bar from zero with the whiskers of its interval. */
export function intervalBars({ title, metric, bars }: IntervalBars): string {
  const shown = bars.slice(0, MOST_BARS).map(finite)
  const values = shown.flatMap(({ value, interval }) => [value, ...(interval ?? [])]).filter((value) => value !== null)
  const low = values.reduce((a, b) => Math.min(a, b), 0)
  const high = values.reduce((a, b) => Math.max(a, b), 0)
  const shares = low >= 0 && high <= 1
  const axis = shares ? axisOver([0, 1], { bounds: [0, 1] }) : axisOver([low, high])
  const names = Math.max(40, ...shown.map(({ name }) => textWidth(shortened(name, NAME))))
  const bottom = TOP + shown.length * PITCH
  const area: Area = { x: [names + 20, WIDTH - 90], y: [bottom, TOP] }
  const grid = axis.ticks.map((tick) => {
    const x = px(place(tick, axis, area.x))
    return `<path class="rule" d="M${x} ${TOP}V${bottom}"/>`
  })
  const rows = shown.map((bar, i) => rowOf(bar, TOP + i * PITCH + PITCH / 2, axis, area))
  const missing = shown.filter(({ value }) => value === null).length
  const description = `${metric} of ${shown.length} of ${bars.length}, with intervals where there are any; ${missing} could not be evaluated.`
  return svgDocument(
    { width: WIDTH, height: bottom + 46 },
    { title, description },
    `${grid.join('')}${rows.join('')}${xAxisOf(area, axis, metric)}`,
  )
}

/** What is no number was not evaluated. */
function finite(bar: IntervalBar): IntervalBar {
  const value = bar.value !== null && Number.isFinite(bar.value) ? bar.value : null
  const interval = value !== null && bar.interval?.every(Number.isFinite) === true ? bar.interval : null
  return { ...bar, value, interval }
}

function rowOf(
  { name, value, interval, n }: IntervalBar,
  y: number,
  axis: ReturnType<typeof axisOver>,
  area: Area,
): string {
  const label = text(area.x[0] - 8, y + 4, shortened(name, NAME), 'end')
  const rows = text(area.x[1] + 8, y + 4, `n = ${n}`)
  const tip = xmlText(`${name}: ${value === null ? 'not evaluable' : value.toFixed(4)}, n = ${n}`)
  if (value === null) return `<g><title>${tip}</title>${label}${text(area.x[0] + 6, y + 4, 'not evaluable')}${rows}</g>`
  const [zero, end] = [place(Math.max(0, axis.domain[0]), axis, area.x), place(value, axis, area.x)]
  const bar = `<rect class="bar" x="${px(Math.min(zero, end))}" y="${px(y - 8)}" width="${px(Math.abs(end - zero))}" height="16"/>`
  return `<g><title>${tip}</title>${label}${bar}${whiskerOf(interval, y, axis, area)}${rows}</g>`
}

function whiskerOf(
  interval: IntervalBar['interval'],
  y: number,
  axis: ReturnType<typeof axisOver>,
  area: Area,
): string {
  if (interval === null) return ''
  const [from, to] = [px(place(interval[0], axis, area.x)), px(place(interval[1], axis, area.x))]
  return `<path class="whisker" d="M${from} ${px(y)}H${to}M${from} ${px(y - 5)}v10M${to} ${px(y - 5)}v10"/>`
}
