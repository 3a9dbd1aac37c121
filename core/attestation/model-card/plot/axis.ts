import { px, text, textWidth } from './svg.ts'

export type Interval = readonly [from: number, to: number]

export type Axis = {
  readonly ticks: readonly number[]
  /** The values at both ends, which are ticks. */
  readonly domain: Interval
  /** A tick as it is written. */
  readonly label: (value: number) => string
}

export type AxisOptions = {
  /** The ends are never put beyond these. */
  readonly bounds?: Interval
  readonly integers?: boolean
}

/** An even axis over the values from `min` to `max`, with at most about six ticks at multiples of 1, 2 or 5 × 10ⁿ. */
export function axisOver(
  [min, max]: Interval,
  { bounds = [-Infinity, Infinity], integers = false }: AxisOptions = {},
): Axis {
  const size = Math.max(Math.abs(min), Math.abs(max))
  const apart = max - min > 1e-9 * Math.max(size, 1e-3)
  // Values that are one, but for rounding, need some room about them.
  const room = apart ? 0 : size < 1e-6 ? 0.5 : size / 2
  const [low, high] = [Math.max(bounds[0], min - room), Math.min(bounds[1], max + room)]
  const step = Math.max(integers ? 1 : 0, niceStep(high > low ? high - low : 1))
  const from = Math.max(bounds[0], Math.floor(low / step + 1e-9) * step)
  const to = Math.min(bounds[1], Math.ceil(high / step - 1e-9) * step)
  const first = Math.ceil(from / step - 1e-9)
  const count = Math.max(1, Math.floor(to / step + 1e-9) - first + 1)
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9))
  return {
    ticks: Array.from({ length: count }, (_, i) => Number(((first + i) * step).toPrecision(12))),
    domain: [from, Math.max(to, from + step * 1e-6)],
    label: (value) => value.toFixed(Math.min(decimals, 6)).replace(/^-/, '−'),
  }
}

function niceStep(span: number): number {
  const raw = span / 5
  const power = 10 ** Math.floor(Math.log10(raw))
  const factor = [1, 2, 5, 10].find((one) => one * power >= raw * (1 - 1e-9)) ?? 10
  return Number((factor * power).toPrecision(12))
}

/** Where a plot draws, in pixels; `y` runs from the bottom up. */
export type Area = { readonly x: Interval; readonly y: Interval }

/** Where a value stands along a range of pixels. */
export function place(value: number, { domain }: Axis, [from, to]: Interval): number {
  return from + ((value - domain[0]) / (domain[1] - domain[0])) * (to - from)
}

/** Rules and labels of both axes, with their names. */
export function axes(
  { x, y }: Area,
  xAxis: Axis,
  yAxis: Axis,
  names: { readonly x: string; readonly y: string },
): string {
  const rows = yAxis.ticks.map((value) => {
    const at = px(place(value, yAxis, y))
    return `<path class="rule" d="M${px(x[0])} ${at}H${px(x[1])}"/>${text(x[0] - 6, at + 4, yAxis.label(value), 'end')}`
  })
  return `${rows.join('')}${text(12, y[1] - 10, names.y)}${xAxisOf({ x, y }, xAxis, names.x)}`
}

export function xAxisOf({ x, y }: Area, axis: Axis, name: string): string {
  const ticks = axis.ticks.map((value) => {
    const at = px(place(value, axis, x))
    return `<path class="base" d="M${at} ${px(y[0])}v4"/>${text(at, y[0] + 17, axis.label(value), 'middle')}`
  })
  return `<path class="base" d="M${px(x[0])} ${px(y[0])}H${px(x[1])}"/>${ticks.join('')}${text(x[1], y[0] + 34, name, 'end')}`
}

/** The area that is left beside the labels of the vertical axis. */
export function areaFor({ width, height }: { width: number; height: number }, yAxis: Axis): Area {
  const left = Math.max(36, ...yAxis.ticks.map((value) => textWidth(yAxis.label(value)))) + 12
  return { x: [left, width - 18], y: [height - 46, 54] }
}
