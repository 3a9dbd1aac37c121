/**
 * The largest part of a side's trials that one consumer may make up, given how many consumers there must be: 2 / (m + 1), so half
 * for three and a fifth for nine. With 1 / m the least busy of m consumers would set the pace of all.
 */
export function largestShare(minConsumers: number): number {
  return 2 / (minConsumers + 1)
}

/**
 * How many trials of each consumer count: no more than the share of all that count. Who has more is scaled down, all its counts by one
 * factor. The bound K solves K = share · Σ min(nᵢ, K); it does not depend on the order of anything, and grows with every nᵢ.
 *
 * A scaled count is what a random part of the consumer's trials would have shown on average. At every single look the evidence
 * of it has a mean of at most 1 (Jensen's inequality), as that of the whole; that it never strays *between* looks is proved where nobody is
 * scaled, and simulated where somebody is.
 */
export function cappedTrials(trials: readonly number[], share: number): number[] {
  const bound = largestCount(trials, share)
  return trials.map((one) => Math.min(one, bound))
}

function largestCount(trials: readonly number[], share: number): number {
  const falling = [...trials].sort((a, b) => b - a)
  let rest = falling.reduce((total, one) => total + one, 0)
  if ((falling[0] ?? 0) <= share * rest) return Number.POSITIVE_INFINITY
  for (let above = 1; share * above < 1; above++) {
    rest -= falling[above - 1] ?? 0
    const bound = (share * rest) / (1 - share * above)
    if ((falling[above] ?? 0) <= bound) return bound
  }
  return rest
}
