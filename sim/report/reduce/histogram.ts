import { niceStep } from '../plot/ticks.ts'

export type HistogramBin = { readonly from: number; readonly to: number; readonly count: number }

/** How many of the values lie in each of at most `most` stretches of one round width; the last one takes its end as well. */
export function histogram(values: readonly number[], most: number, whole: boolean): HistogramBin[] {
  if (values.length === 0) return []
  const min = values.reduce((a, b) => Math.min(a, b))
  const max = values.reduce((a, b) => Math.max(a, b))
  const nice = max > min ? niceStep(max - min, most - 1) : 1
  const step = whole ? Math.max(1, nice) : nice
  const first = Math.floor(min / step + 1e-9)
  const bins = Math.max(1, Math.ceil(max / step - 1e-9) - first)
  const counts = Array<number>(bins).fill(0)
  for (const value of values) {
    const bin = Math.min(bins - 1, Math.floor(value / step + 1e-9) - first)
    counts[bin] = (counts[bin] ?? 0) + 1
  }
  const edge = (i: number) => Number(((first + i) * step).toPrecision(12))
  return counts.map((count, i) => ({ from: edge(i), to: edge(i + 1), count }))
}
