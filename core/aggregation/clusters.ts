import { cosine, type Gram } from './gram.ts'
import { upTo } from './order.ts'

/** Distances between n points, row-major. */
export type Distances = { readonly n: number; readonly values: Float64Array }

/** 1 − cos for the first n rows. A zero row is at distance 1 from all others. */
export function cosineDistances(gram: Gram, n: number): Distances {
  const values = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) values[i * n + j] = values[j * n + i] = 1 - cosine(gram, i, j)
  }
  return { n, values }
}

/**
 * Joins the nearest points first, as single linkage does (Kruskal's order; of equal distances the lowest indices), and
 * gives the first group of at least `size` points, in ascending order. 1 ≤ size ≤ n.
 */
export function firstGroupOf(size: number, { n, values }: Distances): number[] {
  const pairs: { i: number; j: number; distance: number }[] = []
  for (let i = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) pairs.push({ i, j, distance: values[i * n + j] as number })
  }
  pairs.sort((a, b) => a.distance - b.distance || a.i - b.i || a.j - b.j)
  const groups = upTo(n).map((point) => [point])
  if (size <= 1) return groups[0] ?? []
  for (const { i, j } of pairs) {
    const [one, other] = [groups[i] as number[], groups[j] as number[]]
    if (one === other) continue
    const joined = [...one, ...other]
    if (joined.length >= size) return joined.sort((a, b) => a - b)
    for (const point of joined) groups[point] = joined
  }
  return upTo(n)
}

/**
 * Average linkage down to two clusters (one for a single point): joins the two clusters whose points are nearest to each
 * other in the mean; of equally near ones those with the lowest index. Members ascend, clusters by their first member.
 */
export function twoClusters({ n, values }: Distances): number[][] {
  const between = values.slice()
  const clusters = new Map(upTo(n).map((point) => [point, [point]]))
  while (clusters.size > 2) {
    const [i, j] = nearestPair([...clusters.keys()], n, between)
    const [one, other] = [clusters.get(i) ?? [], clusters.get(j) ?? []]
    for (const k of clusters.keys()) {
      if (k === i || k === j) continue
      // Lance and Williams: the mean over all pairs follows from the two means.
      const mean =
        (one.length * (between[k * n + i] as number) + other.length * (between[k * n + j] as number)) /
        (one.length + other.length)
      between[k * n + i] = between[i * n + k] = mean
    }
    clusters.set(i, [...one, ...other])
    clusters.delete(j)
  }
  return [...clusters.values()].map((members) => members.sort((a, b) => a - b))
}

function nearestPair(keys: readonly number[], n: number, between: Float64Array): [number, number] {
  let best: [number, number] = [keys[0] as number, keys[1] as number]
  for (const [at, i] of keys.entries()) {
    for (const j of keys.slice(at + 1)) {
      if ((between[i * n + j] as number) < (between[best[0] * n + best[1]] as number)) best = [i, j]
    }
  }
  return best
}

/** The cluster with most members; of equally large ones the one with the lowest index. */
export function largestOf(clusters: readonly number[][]): number[] {
  return clusters.reduce((best, cluster) =>
    cluster.length > best.length || (cluster.length === best.length && (cluster[0] ?? 0) < (best[0] ?? 0))
      ? cluster
      : best,
  )
}

/**
 * 2-means of short vectors, without chance: it starts from the two points that are farthest apart (of equal ones the lowest
 * indices) and ends when nothing changes. A point equally near to both centres goes to the first. One cluster where all
 * points are the same.
 */
export function twoMeans(points: readonly (readonly number[])[]): number[][] {
  const ends = farthestPair(points)
  if (ends === undefined) return [upTo(points.length)]
  let centers = ends.map((point) => points[point] as readonly number[])
  let clusters: number[][] = []
  // Lloyd's iteration ends by itself; the bound is for the case that rounding lets it turn in a circle.
  for (let iteration = 0; iteration < 100; iteration++) {
    const [one, other] = centers as [readonly number[], readonly number[]]
    const nearFirst = points.map((point) => squaredGap(point, one) <= squaredGap(point, other))
    const next = [true, false].map((side) => upTo(points.length).filter((i) => nearFirst[i] === side))
    if (String(next) === String(clusters)) break
    clusters = next
    centers = clusters.map((cluster, at) => centroid(cluster, points) ?? (centers[at] as readonly number[]))
  }
  return clusters.filter((cluster) => cluster.length > 0)
}

function farthestPair(points: readonly (readonly number[])[]): [number, number] | undefined {
  let best: [number, number] | undefined
  let most = 0
  for (const [i, one] of points.entries()) {
    for (let j = i + 1; j < points.length; j++) {
      const gap = squaredGap(one, points[j] as readonly number[])
      if (gap > most) [best, most] = [[i, j], gap]
    }
  }
  return best
}

function squaredGap(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, k) => sum + (value - (b[k] as number)) ** 2, 0)
}

function centroid(cluster: readonly number[], points: readonly (readonly number[])[]): number[] | undefined {
  if (cluster.length === 0) return undefined
  const first = points[0] as readonly number[]
  return first.map((_, k) => cluster.reduce((sum, i) => sum + (points[i]?.[k] as number), 0) / cluster.length)
}
