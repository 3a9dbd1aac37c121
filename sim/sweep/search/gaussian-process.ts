import { exp, ln } from '../../data/elementary.ts'
import { backward, cholesky, forward } from './cholesky.ts'

type Vectors = readonly (readonly number[])[]

/** Length scales of each group of inputs, and the variance of the noise as a share of that of the values. */
type Hyper = { readonly lengths: readonly number[]; readonly noise: number }

const LENGTHS = [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2]
const NOISES = [1e-6, 1e-4, 1e-2, 1e-1]
/** Where length scales are expected, and by how many e-folds they may well differ: few points would else fit anything. */
const USUAL_LENGTH = 0.5
const LENGTH_SPREAD = 1.2
/** Twice through all hyperparameters; a third time changes next to nothing. */
const PASSES = 2

/**
 * Regression by a Gaussian process with the Matérn 5/2 kernel (Rasmussen and Williams, Gaussian processes for machine learning,
 * 2006, algorithm 2.1 and equation 4.17). Values are standardised. Length scales, one for each group of inputs, and noise are
 * those of a small grid with the largest marginal likelihood, found one after the other; the variance of the signal follows.
 */
export class GaussianProcess {
  readonly #inputs: Vectors
  readonly #groups: readonly number[]
  readonly #hyper: Hyper
  readonly #mean: number
  readonly #scale: number
  readonly #fit: Fit

  private constructor(inputs: Vectors, groups: readonly number[], hyper: Hyper, standard: Standardised, fitted: Fit) {
    this.#inputs = inputs
    this.#groups = groups
    this.#hyper = hyper
    this.#mean = standard.mean
    this.#scale = standard.scale
    this.#fit = fitted
  }

  /** `inputs`: vectors with entries of about 0 to 1; `groups`: the group of each entry, from 0 on. At least one input. */
  static fit(inputs: Vectors, values: readonly number[], groups: readonly number[]): GaussianProcess {
    const standard = standardised(values)
    const fitOf = (hyper: Hyper) => fitted(inputs, groups, standard.values, hyper)
    let hyper: Hyper = { lengths: Array<number>(Math.max(...groups) + 1).fill(0.4), noise: 1e-4 }
    let best = fitOf(hyper)
    for (let pass = 0; pass < PASSES; pass++) {
      for (const candidates of neighbours(hyper)) {
        for (const change of candidates) {
          const candidate = change(hyper)
          const fit = fitOf(candidate)
          if (fit.evidence > best.evidence) [hyper, best] = [candidate, fit]
        }
      }
    }
    return new GaussianProcess(inputs, groups, hyper, standard, best)
  }

  /** What is known of the value at an input. */
  at(input: readonly number[]): { readonly mean: number; readonly deviation: number } {
    const { lower, weights, variance } = this.#fit
    const near = Float64Array.from(this.#inputs, (one) => matern(one, input, this.#groups, this.#hyper.lengths))
    const mean = near.reduce((sum, value, i) => sum + value * (weights[i] as number), 0)
    const known = forward(lower, near).reduce((sum, value) => sum + value * value, 0)
    const deviation = Math.sqrt(variance * Math.max(0, 1 - known))
    return { mean: this.#mean + this.#scale * mean, deviation: this.#scale * deviation }
  }
}

type Standardised = { readonly values: Float64Array; readonly mean: number; readonly scale: number }

function standardised(values: readonly number[]): Standardised {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
  const scale = variance > 0 ? Math.sqrt(variance) : 1
  return { values: Float64Array.from(values, (value) => (value - mean) / scale), mean, scale }
}

/** For each hyperparameter the changes that are tried. */
function neighbours({ lengths }: Hyper): ((hyper: Hyper) => Hyper)[][] {
  const ofLengths = lengths.map((_, group) =>
    LENGTHS.map((length) => (hyper: Hyper) => ({ ...hyper, lengths: hyper.lengths.with(group, length) })),
  )
  return [...ofLengths, NOISES.map((noise) => (hyper: Hyper) => ({ ...hyper, noise }))]
}

type Fit = {
  readonly lower: Float64Array
  /** (K + noise)⁻¹·y */
  readonly weights: Float64Array
  /** The signal's, of standardised values, at its most likely. */
  readonly variance: number
  /** Logarithm of likelihood times prior, but for a constant. */
  readonly evidence: number
}

function fitted(inputs: Vectors, groups: readonly number[], values: Float64Array, { lengths, noise }: Hyper): Fit {
  const n = inputs.length
  const kernel = new Float64Array(n * n)
  inputs.forEach((one, i) => {
    for (let j = 0; j <= i; j++) {
      const value = matern(one, inputs[j] as readonly number[], groups, lengths)
      kernel[i * n + j] = value
      kernel[j * n + i] = value
    }
  })
  const lower = factored(kernel, n, noise)
  const weights = backward(lower, forward(lower, values))
  // Values that are all the same say nothing of the variance.
  const variance = Math.max(1e-6, values.reduce((sum, value, i) => sum + value * (weights[i] as number), 0) / n)
  let evidence = (-n / 2) * ln(variance)
  for (let i = 0; i < n; i++) evidence -= ln(lower[i * n + i] as number)
  for (const length of lengths) evidence -= (ln(length / USUAL_LENGTH) / LENGTH_SPREAD) ** 2 / 2
  return { lower, weights, variance, evidence }
}

/** Points close together make the kernel singular to machine precision: then it gets as much noise as it needs. */
function factored(kernel: Float64Array, n: number, noise: number): Float64Array {
  for (let added = noise; ; added *= 10) {
    const noisy = kernel.slice()
    for (let i = 0; i < n; i++) noisy[i * n + i] = (noisy[i * n + i] as number) + added
    const lower = cholesky(noisy, n)
    if (lower !== undefined) return lower
  }
}

/** (1 + √5·r + 5/3·r²)·e^(−√5·r) of the distance r, each group measured by its length scale. */
function matern(
  a: readonly number[],
  b: readonly number[],
  groups: readonly number[],
  lengths: readonly number[],
): number {
  let square = 0
  for (let i = 0; i < a.length; i++) {
    square += (((a[i] as number) - (b[i] as number)) / (lengths[groups[i] as number] as number)) ** 2
  }
  const r = Math.sqrt(5 * square)
  return (1 + r + (r * r) / 3) * exp(-r)
}
