import type { LossDistribution } from './loss-distribution.ts'

/** A part of a composition: `times` independent losses of this distribution. */
export type Repeated = { readonly loss: LossDistribution; readonly times: number }

/** Where the sum of losses lies but for the probability `tail` on each side. */
export type Window = { readonly low: number; readonly high: number }

/**
 * Chernoff's bound from the moment generating function of the finite part, the best of a row of tilts λ:
 * P(S ≥ s) ≤ e^{K(λ) − λs}.
 */
export function windowOf(parts: readonly Repeated[], tail: number): Window {
  const slack = -Math.log(tail)
  const bound = (sign: 1 | -1): number => {
    let best = Number.POSITIVE_INFINITY
    for (let exponent = -8; exponent <= 40; exponent++) {
      const tilt = 2 ** (exponent / 2)
      let cumulant = 0
      for (const { loss, times } of parts) cumulant += times * logMoment(loss, sign * tilt)
      const candidate = (cumulant + slack) / tilt
      // K is convex, so the bound has one valley.
      if (candidate > best) break
      best = candidate
    }
    return best
  }
  return { low: -bound(-1), high: bound(1) }
}

/** ln Σ p(l)·e^{λl}. */
function logMoment({ interval, first, masses }: LossDistribution, tilt: number): number {
  // e^{λl} grows by one factor from cell to cell; begun anew every 64 cells, so that its rounding does not add up.
  const ratio = Math.exp(tilt * interval)
  const shift = Math.max(tilt * first * interval, tilt * (first + masses.length) * interval)
  let sum = 0
  for (let start = 0; start < masses.length; start += 64) {
    let weight = Math.exp(tilt * (first + start) * interval - shift)
    if (weight === 0 && tilt * interval * 64 < 1) continue
    const end = Math.min(masses.length, start + 64)
    for (let i = start; i < end; i++) {
      sum += weight * (masses[i] as number)
      weight *= ratio
    }
  }
  // Where the greatest losses have no mass, the others may have been lost below the smallest double: no bound then.
  return sum < 1e-250 ? Number.POSITIVE_INFINITY : shift + Math.log(sum)
}
