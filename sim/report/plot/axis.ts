import { logTicks, type Quantity, stepOf, type Tick, ticksOf } from './ticks.ts'

export type Interval = readonly [from: number, to: number]

/** From values to where they are drawn. */
export type Axis = {
  readonly ticks: readonly Tick[]
  /** The values at both ends. */
  readonly domain: Interval
  /** Where a value stands in `range`. */
  readonly at: (value: number, range: Interval) => number
}

export type AxisOptions = {
  readonly quantity: Quantity
  /** The ends are put on the next ticks, but never beyond these. */
  readonly bounds?: Interval
  readonly most?: number
  /** The ends stay where the values end. */
  readonly tight?: boolean
}

/** An even axis over the values from `min` to `max`. */
export function linearAxis([min, max]: Interval, options: AxisOptions): Axis {
  const { quantity, bounds = [-Infinity, Infinity], most = 5, tight = false } = options
  const [low, high] = min < max ? [min, max] : widened(min, bounds)
  const step = stepOf(quantity, high - low, most)
  const domain: Interval = tight
    ? [low, high]
    : [
        Math.max(bounds[0], Math.floor(low / step + 1e-9) * step),
        Math.min(bounds[1], Math.ceil(high / step - 1e-9) * step),
      ]
  return {
    ticks: ticksOf(quantity, domain[0], domain[1], step),
    domain,
    at: (value, range) => between((value - domain[0]) / (domain[1] - domain[0]), range),
  }
}

/** A logarithmic axis over positive values. */
export function logAxis([min, max]: Interval, most = 5): Axis {
  const domain: Interval = [floorLog(min), Math.max(ceilLog(max), floorLog(min) * 10)]
  const width = Math.log(domain[1] / domain[0])
  return {
    ticks: logTicks(domain[0], domain[1], most),
    domain,
    at: (value, range) => between(Math.log(Math.max(value, domain[0]) / domain[0]) / width, range),
  }
}

/** A single value needs some room about it. */
function widened(value: number, [least, most]: Interval): Interval {
  const room = value === 0 ? 1 : Math.abs(value) / 2
  return [Math.max(least, value - room), Math.min(most, value + room)]
}

function between(share: number, [from, to]: Interval): number {
  return from + share * (to - from)
}

const steps = [1, 2, 5, 10]

function floorLog(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  return (steps.findLast((step) => step * power <= value * (1 + 1e-9)) ?? 1) * power
}

function ceilLog(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  return (steps.find((step) => step * power >= value * (1 - 1e-9)) ?? 10) * power
}

/** The least and the greatest of the finite values; `undefined` where there is none. */
export function extentOf(values: Iterable<number | null>): Interval | undefined {
  let min = Infinity
  let max = -Infinity
  for (const value of values) {
    if (value === null || !Number.isFinite(value)) continue
    if (value < min) min = value
    if (value > max) max = value
  }
  return min <= max ? [min, max] : undefined
}
