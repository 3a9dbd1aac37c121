import type { Interval } from './axis.ts'

/** Steps of a scale of colours. */
export const BINS = 9

/** From a value to a step of colours: `h` from little to much, `d` from below to above a middle. */
export type ColourScale = {
  readonly kind: 'h' | 'd'
  readonly binOf: (value: number) => number
  readonly domain: Interval
}

export function sequentialScale(domain: Interval): ColourScale {
  return { kind: 'h', domain, binOf: (value) => binIn(value, domain) }
}

/** Even on both sides of `middle`, as far as the farther value of the domain. */
export function divergingScale(domain: Interval, middle: number): ColourScale {
  const reach = Math.max(Math.abs(domain[0] - middle), Math.abs(domain[1] - middle)) || 1
  const even: Interval = [middle - reach, middle + reach]
  return { kind: 'd', domain: even, binOf: (value) => binIn(value, even) }
}

function binIn(value: number, [from, to]: Interval): number {
  if (!(to > from)) return value > 0 ? BINS - 1 : 0
  return Math.max(0, Math.min(BINS - 1, Math.floor(((value - from) / (to - from)) * BINS)))
}
