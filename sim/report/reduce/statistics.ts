/** The value below which a share `q` of the sorted values lies, between neighbours in proportion; null of none. */
export function quantile(sorted: ArrayLike<number>, q: number): number | null {
  if (sorted.length === 0) return null
  const at = q * (sorted.length - 1)
  const low = sorted[Math.floor(at)] as number
  const high = sorted[Math.ceil(at)] as number
  return low + (high - low) * (at - Math.floor(at))
}

export function sortedOf(values: readonly number[]): Float64Array {
  return Float64Array.from(values.filter(Number.isFinite)).sort()
}

export function median(values: readonly number[]): number | null {
  return quantile(sortedOf(values), 0.5)
}

export function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length
}
