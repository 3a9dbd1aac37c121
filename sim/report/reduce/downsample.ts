export type Point = { readonly x: number; readonly y: number | null }

/**
 * At most about `most` of the points of a line, so that it looks the same: of each stretch its first and last point and the
 * lowest and highest between them (M4; Jugel et al., "M4: a visualization-oriented time series data aggregation", 2014).
 */
export function downsample(points: readonly Point[], most: number): readonly Point[] {
  if (points.length <= most) return points
  const stretches = Math.max(1, Math.floor(most / 4))
  return Array.from({ length: stretches }, (_, i) =>
    outline(points, Math.floor((i * points.length) / stretches), Math.floor(((i + 1) * points.length) / stretches)),
  ).flat()
}

function outline(points: readonly Point[], from: number, to: number): Point[] {
  let low = -1
  let high = -1
  for (let i = from; i < to; i++) {
    const y = points[i]?.y ?? null
    if (y === null) continue
    if (low < 0 || y < (points[low]?.y ?? 0)) low = i
    if (high < 0 || y > (points[high]?.y ?? 0)) high = i
  }
  const kept = [...new Set([from, low, high, to - 1])].filter((i) => i >= from).sort((a, b) => a - b)
  return kept.flatMap((i) => points[i] ?? [])
}

/** Neighbours that are shown as one: from, and up to but without, an index. */
export type Bucket = { readonly from: number; readonly to: number }

/** `n` things in at most `most` buckets of the same size, but for the last. */
export function bucketsOf(n: number, most: number): Bucket[] {
  const size = Math.max(1, Math.ceil(n / most))
  return Array.from({ length: Math.ceil(n / size) }, (_, i) => ({ from: i * size, to: Math.min(n, (i + 1) * size) }))
}

/** At most `most` of the list, as evenly as can be, the first and the last among them. */
export function evenly<T>(list: readonly T[], most: number): readonly T[] {
  if (list.length <= most) return list
  if (most <= 1) return list.slice(0, Math.max(0, most))
  return Array.from({ length: most }, (_, i) => list[Math.round((i * (list.length - 1)) / (most - 1))] as T)
}
