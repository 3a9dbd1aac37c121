import { type Markup, markup } from '../page/markup.ts'
import { downsample, type Point } from '../reduce/downsample.ts'
import { type Axis, extentOf, type Interval, linearAxis, logAxis } from './axis.ts'
import { type Area, COLUMN, type Described, frameOf, nothing, px, type Size, svg } from './frame.ts'
import { MARKERS } from './markers.ts'
import type { Quantity } from './ticks.ts'

export type Series = { readonly name: string; readonly style: number; readonly points: readonly Point[] }

/** A surface between two lines, such as the middle 80 % of the clients. */
export type Band = {
  readonly style: number
  readonly points: readonly { readonly x: number; readonly low: number | null; readonly high: number | null }[]
}

export type LineChart = Described & {
  readonly x: { readonly name: string; readonly quantity: Quantity }
  readonly y: {
    readonly name: string
    readonly quantity: Quantity
    /** What no value is beyond. */
    readonly bounds?: Interval
    /** The axis shows at least these values. */
    readonly include?: readonly number[]
    /** Spans less than this are not blown up to the whole height. */
    readonly leastSpan?: number
    /** A logarithmic axis where the values are positive and differ by more than fifty times. */
    readonly maybeLog?: boolean
  }
  readonly series: readonly Series[]
  readonly bands?: readonly Band[]
  readonly size?: Size
}

/** Points of a line that are drawn; a chart is 400 pixels wide. */
export const LINE_POINTS = 400
/** Points of a band, each of which sorts the clients of a round. */
export const BAND_POINTS = 200
/** Up to so many points each has its sign. */
const SIGNED_POINTS = 25

export function lineChart(chart: LineChart): Markup {
  const { x, y, size = COLUMN } = chart
  const series = chart.series.map((one) => ({ ...one, points: downsample(one.points.map(finite), LINE_POINTS) }))
  const bands = chart.bands ?? []
  const xs = extentOf([...series, ...bands].flatMap(({ points }) => points.map((point) => point.x)))
  const ys = extentOf([
    ...series.flatMap(({ points }) => points.map((point) => point.y)),
    ...bands.flatMap(({ points }) => points.flatMap(({ low, high }) => [low, high])),
  ])
  if (xs === undefined || ys === undefined) return nothing('nothing was measured')
  const xAxis = linearAxis(xs, { quantity: x.quantity, tight: true, most: 8 })
  const yAxis = yAxisOf(ys, y)
  const { area, axes } = frameOf(size, xAxis, yAxis, { x: x.name, y: y.name })
  const place = placing(area, xAxis, yAxis)
  return svg(
    size,
    chart,
    markup`${axes}${bands.map((band) => bandOf(band, place))}${series.map((one) => lineOf(one, place))}`,
  )
}

function finite({ x, y }: Point): Point {
  return { x, y: y !== null && Number.isFinite(y) ? y : null }
}

function yAxisOf([min, max]: Interval, y: LineChart['y']): Axis {
  const low = Math.min(min, ...(y.include ?? []))
  const high = Math.max(max, ...(y.include ?? []))
  if (y.maybeLog === true && low > 0 && high / low > 50) return logAxis([low, high])
  const missing = Math.max(0, (y.leastSpan ?? 0) - (high - low)) / 2
  const [least, most] = y.bounds ?? [-Infinity, Infinity]
  const spread: Interval = [Math.max(least, low - missing), Math.min(most, high + missing)]
  return linearAxis(spread, { quantity: y.quantity, ...(y.bounds === undefined ? {} : { bounds: y.bounds }) })
}

type Place = (x: number, y: number) => readonly [number, number]

function placing(area: Area, x: Axis, y: Axis): Place {
  return (atX, atY) => [px(x.at(atX, area.x)), px(y.at(atY, area.y))]
}

/** A value that is missing breaks the line. A value alone between two such is a point, and needs a sign to be seen. */
function lineOf({ name, style, points }: Series, place: Place): Markup {
  const measured = points.filter(({ y }) => y !== null).length
  let path = ''
  let signs = ''
  points.forEach(({ x, y }, i) => {
    if (y === null) return
    const [atX, atY] = place(x, y)
    const before = points[i - 1]?.y ?? null
    const after = points[i + 1]?.y ?? null
    path += `${before === null ? 'M' : 'L'}${atX} ${atY}`
    if (measured <= SIGNED_POINTS || (before === null && after === null)) signs += sign(style, atX, atY)
  })
  return markup`<g class="s${style}"><title>${name}</title><path class="line s${style}" d="${path}"/>${signs !== '' && markup`<path class="dot" d="${signs}"/>`}</g>`
}

/** The sign of a style at a place: its path begins with a move, which is made relative to the place. */
function sign(style: number, x: number, y: number): string {
  const marker = MARKERS[style % MARKERS.length] ?? MARKERS[0]
  return `M${x} ${y}m${marker.slice(1)}`
}

function bandOf({ style, points }: Band, place: Place): Markup {
  const stretches = stretchesOf(points)
  const path = stretches
    .map((stretch) => {
      const upper = stretch.map(({ x, high }) => place(x, high).join(' '))
      const lower = stretch.map(({ x, low }) => place(x, low).join(' ')).reverse()
      return `M${[...upper, ...lower].join('L')}z`
    })
    .join('')
  return markup`<path class="band s${style}" d="${path}"/>`
}

type Width = { readonly x: number; readonly low: number; readonly high: number }

function stretchesOf(points: Band['points']): Width[][] {
  const stretches: Width[][] = [[]]
  for (const { x, low, high } of points) {
    if (low === null || high === null) stretches.push([])
    else stretches.at(-1)?.push({ x, low, high })
  }
  return stretches.filter((stretch) => stretch.length > 1)
}
