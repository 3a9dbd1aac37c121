import { type Counts, distance, logMixtureOverBest } from './beta-binomial.ts'

/** `low` and `high` bound the true difference at all times at once, but for a share α of all rollouts. */
export type DifferenceInterval = { readonly value: number; readonly low: number; readonly high: number }

/**
 * ln of the evidence against a difference δ = p_b − p_a of two rates. The trials of both sides, in whatever order they came, multiply
 * M_a(p_a) · M_b(p_b) by factors of mean 1, so the product is a martingale as each is. What is given is the least that any
 * pair with this difference has,
 *
 *   min over p of ln M_a(p) + ln M_b(p + δ)
 *
 * which is below the true pair's: it reaches ln(1/α), ever, with a probability of at most α. It is convex in δ.
 */
export function logEvidenceOfDifference(a: Counts, b: Counts, delta: number): number {
  const mixtures = logMixtureOverBest(a) + logMixtureOverBest(b)
  let low = Math.max(0, -delta)
  let high = Math.min(1, 1 - delta)
  if (low > high) return Number.POSITIVE_INFINITY
  // The slope of the sum grows with p, so it is cut in halves where it changes its sign.
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2
    if (slope(a, middle) + slope(b, middle + delta) < 0) low = middle
    else high = middle
  }
  const at = (p: number) => distance(a, p) + distance(b, Math.min(1, Math.max(0, p + delta)))
  return mixtures + Math.min(at(low), at(high))
}

/** The differences that the evidence does not speak against: a confidence sequence with the error α, two-sided. */
export function differenceOfRates(a: Counts, b: Counts, alpha: number): DifferenceInterval {
  const value = rate(b) - rate(a)
  const enough = Math.log(1 / alpha)
  const isOut = (delta: number) => logEvidenceOfDifference(a, b, delta) >= enough
  return { value, low: end(value, -1, isOut), high: end(value, 1, isOut) }
}

function rate({ bad, trials }: Counts): number {
  return trials === 0 ? 0 : bad / trials
}

/** Between a difference that is inside and the end of the scale; from the outer side, so that nothing is cut off. */
function end(inside: number, outside: number, isOut: (delta: number) => boolean): number {
  if (!isOut(outside)) return outside
  for (let step = 0; step < 50; step++) {
    const middle = (inside + outside) / 2
    if (isOut(middle)) outside = middle
    else inside = middle
  }
  return outside
}

/** The derivative of `distance` by p. */
function slope({ bad, trials }: Counts, p: number): number {
  const good = trials - bad
  return (good <= 0 ? 0 : good / (1 - p)) - (bad <= 0 ? 0 : bad / p)
}
