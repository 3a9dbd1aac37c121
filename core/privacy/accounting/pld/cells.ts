/** The privacy loss of one round of a Poisson-sampled Gaussian, put on a grid. */
import { normalCdf } from '../../numeric/normal.ts'
import type { LossPair } from './loss-distribution.ts'

/** Standard deviations of noise to each side that the grid covers; 10⁻²³ beyond counts as an infinite loss. */
const REACH = 10

/** A Gaussian of multiplier z > 0 on a Poisson sample of rate q in (0, 1]; q = 1: everybody. */
export type SampledGaussian = { readonly rate: number; readonly multiplier: number }

/** The least and the greatest loss that the grid has to cover. */
export function lossRange({ rate, multiplier }: SampledGaussian): { readonly low: number; readonly high: number } {
  const loss = (x: number) => {
    const l = (2 * x - 1) / (2 * multiplier ** 2)
    return l > 1 ? l + Math.log(rate + (1 - rate) * Math.exp(-l)) : Math.log1p(rate * Math.expm1(l))
  }
  return { low: loss(-REACH * multiplier), high: loss(1 + REACH * multiplier) }
}

/**
 * Both directions on the grid of multiples of `interval`, for the outputs N(0, z²) without the record and
 * (1−q)·N(0, z²) + q·N(1, z²) with it. With the loss L(x) = ln(1 − q + q·e^{(2x−1)/(2z²)}) every grid cell [l, l + h] is an
 * interval of x with masses `base` and `mixed` under these two. Removing has the loss L under the mixture, adding −L under
 * N(0, z²).
 *
 * A cell's mass is **split between its two ends so that both masses survive**: the chord of the hockey-stick curve, never
 * optimistic and exact to second order (Doroshenko et al., "Connect the Dots", 2022). To round each cell up instead would
 * cost about half an interval of ε in every round.
 */
export function sampledGaussianLoss(mechanism: SampledGaussian, interval: number): LossPair {
  const { low, high } = lossRange(mechanism)
  const from = Math.floor(low / interval)
  const cells = Math.ceil(high / interval) - from
  const outcome = outcomeOf(mechanism)
  const { rate, multiplier } = mechanism
  const remove = new Float64Array(cells + 1)
  const add = new Float64Array(cells + 1)
  const without = new Intervals(multiplier, 0)
  const present = new Intervals(multiplier, 1)
  const lost = { base: 0, mixed: 0 }
  for (let i = -1; i <= cells; i++) {
    const end = i === cells ? Number.POSITIVE_INFINITY : outcome((from + i + 1) * interval)
    const base = without.upTo(end)
    const mixed = (1 - rate) * base + rate * present.upTo(end)
    if (i === -1 || i === cells) {
      lost.base += base
      lost.mixed += mixed
      continue
    }
    split(remove, i, mixed, base, (from + i) * interval, interval)
    // The same cell of −L, from −l − h to −l, mirrored.
    split(add, cells - 1 - i, base, mixed, -(from + i + 1) * interval, interval)
  }
  return {
    remove: { interval, first: from, masses: remove, infinite: lost.mixed },
    add: { interval, first: -(from + cells), masses: add, infinite: lost.base },
  }
}

/** Masses of N(mean, z²) from one point to the next, beginning at −∞; every tail is worked out once. */
class Intervals {
  readonly #multiplier: number
  readonly #mean: number
  #at = Number.NEGATIVE_INFINITY
  /** Φ(−|x|) at the point x reached, in standard deviations. */
  #tail = 0

  constructor(multiplier: number, mean: number) {
    this.#multiplier = multiplier
    this.#mean = mean
  }

  upTo(end: number): number {
    const at = this.#at
    const before = this.#tail
    const next = (end - this.#mean) / this.#multiplier
    const tail = normalCdf(-Math.abs(next))
    this.#at = next
    this.#tail = tail
    // Differences of the smaller tails: where they are taken nothing cancels.
    if (next <= 0) return Math.max(0, tail - before)
    return Math.max(0, at > 0 ? before - tail : 1 - before - tail)
  }
}

/** Puts the mass p of a cell, whose mass under the other output is u, on the losses l (index i) and l + h (index i + 1). */
function split(masses: Float64Array, i: number, p: number, u: number, l: number, h: number): void {
  const wanted = (p - u * Math.exp(l)) / -Math.expm1(-h)
  const upper = Math.min(p, Math.max(0, Number.isNaN(wanted) ? p : wanted))
  masses[i + 1] = (masses[i + 1] as number) + upper
  masses[i] = (masses[i] as number) + (p - upper)
}

/** x with L(x) = l: z²·ln((e^l − 1 + q)/q) + ½; −∞ where no output has so small a loss. */
function outcomeOf({ rate, multiplier }: SampledGaussian): (loss: number) => number {
  const variance = multiplier ** 2
  if (rate === 1) return (loss) => variance * loss + 0.5
  const logRate = Math.log(rate)
  return (loss) => {
    if (loss > 1) return variance * (loss - logRate + Math.log1p((rate - 1) * Math.exp(-loss))) + 0.5
    const argument = Math.expm1(loss) / rate
    return argument <= -1 ? Number.NEGATIVE_INFINITY : variance * Math.log1p(argument) + 0.5
  }
}
