/**
 * A privacy loss distribution on a grid: the loss is `(first + i)·interval` with probability `masses[i]`, and +∞ with
 * probability `infinite`. All of them together weigh 1.
 */
export type LossDistribution = {
  readonly interval: number
  readonly first: number
  readonly masses: Float64Array
  readonly infinite: number
}

/** Of both directions: one takes the record away, the other adds it. Of a symmetric mechanism they are equal. */
export type LossPair = { readonly remove: LossDistribution; readonly add: LossDistribution }

/**
 * δ(ε) for ε ≥ 0: p_∞ + Σ_{l > ε} (1 − e^{ε−l})·p(l), at most 1 (Koskela, Jälkö and Honkela, "Computing Tight Differential
 * Privacy Guarantees Using FFT", 2020).
 */
export function lossDelta({ interval, first, masses, infinite }: LossDistribution, epsilon: number): number {
  let delta = infinite
  for (let i = masses.length - 1; i >= 0; i--) {
    const loss = (first + i) * interval
    if (loss <= epsilon) break
    delta -= Math.expm1(epsilon - loss) * (masses[i] as number)
  }
  return Math.min(1, delta)
}

/** The least ε ≥ 0 with δ(ε) ≤ `delta`; ∞ where the infinite part alone weighs more. */
export function lossEpsilon({ interval, first, masses, infinite }: LossDistribution, delta: number): number {
  if (infinite > delta) return Number.POSITIVE_INFINITY
  // Between grid points δ(ε) = above − e^ε·weighted, with the sums over all greater losses: walk down until it is reached.
  let above = infinite
  let weighted = 0
  for (let i = masses.length - 1; i >= 0; i--) {
    const loss = (first + i) * interval
    const next = Math.max(0, loss)
    if (above - Math.exp(next) * weighted > delta) break
    if (loss <= 0) return 0
    above += masses[i] as number
    weighted += Math.exp(-loss) * (masses[i] as number)
  }
  return above > delta ? Math.max(0, Math.log((above - delta) / weighted)) : 0
}
