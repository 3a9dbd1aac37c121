/** Arithmetic on updates, in float64. Vectors of one call are of one length. */

/** What stands for a set of updates: their mean and standard deviation in each coordinate. */
export type Moments = { readonly mean: Float64Array; readonly deviation: Float64Array }

/** At least one update. */
export function meanOf(updates: readonly Float32Array[]): Float64Array {
  const mean = new Float64Array(updates[0]?.length ?? 0)
  for (const update of updates) {
    for (let j = 0; j < mean.length; j++) mean[j] = (mean[j] as number) + (update[j] as number)
  }
  for (let j = 0; j < mean.length; j++) mean[j] = (mean[j] as number) / updates.length
  return mean
}

/** The deviation divides by n − 1; of a single update it is 0. */
export function momentsOf(updates: readonly Float32Array[]): Moments {
  const mean = meanOf(updates)
  const deviation = new Float64Array(mean.length)
  if (updates.length < 2) return { mean, deviation }
  for (const update of updates) {
    for (let j = 0; j < mean.length; j++) {
      const away = (update[j] as number) - (mean[j] as number)
      deviation[j] = (deviation[j] as number) + away * away
    }
  }
  for (let j = 0; j < mean.length; j++) deviation[j] = Math.sqrt((deviation[j] as number) / (updates.length - 1))
  return { mean, deviation }
}

type Vector = Float32Array | Float64Array

export function dot(a: Vector, b: Vector): number {
  let sum = 0
  for (let j = 0; j < a.length; j++) sum += (a[j] as number) * (b[j] as number)
  return sum
}

export function normOf(a: Vector): number {
  return Math.sqrt(dot(a, a))
}

/** ‖a − b‖². */
export function squaredDistance(a: Vector, b: Vector): number {
  let sum = 0
  for (let j = 0; j < a.length; j++) {
    const away = (a[j] as number) - (b[j] as number)
    sum += away * away
  }
  return sum
}

/** All ‖aᵢ − aⱼ‖², row-major. */
export function squaredDistances(vectors: readonly Vector[]): Float64Array {
  const n = vectors.length
  const distances = new Float64Array(n * n)
  vectors.forEach((a, i) => {
    vectors.slice(0, i).forEach((b, j) => {
      const distance = squaredDistance(a, b)
      distances[i * n + j] = distance
      distances[j * n + i] = distance
    })
  })
  return distances
}

/** a + factor · b, as an update: values beyond float32 end at its largest. */
export function plus(a: Vector, factor: number, b: Vector): Float32Array {
  return updateOf(a.length, (j) => (a[j] as number) + factor * (b[j] as number))
}

/** factor · a, as an update. */
export function times(factor: number, a: Vector): Float32Array {
  return updateOf(a.length, (j) => factor * (a[j] as number))
}

const MOST = 3.4028234663852886e38

/** An update of these values: float64 in, finite float32 out. */
export function updateOf(size: number, value: (j: number) => number): Float32Array {
  const update = new Float32Array(size)
  for (let j = 0; j < size; j++) update[j] = Math.min(MOST, Math.max(-MOST, value(j)))
  return update
}
