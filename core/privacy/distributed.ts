/**
 * Distributed noise: every client adds a small discrete Gaussian before masking, so that even the coordinator sees only the
 * noisy sum (Kairouz, Liu and Steinke, "The Distributed Discrete Gaussian Mechanism for Federated Learning with Secure
 * Aggregation", 2021). All lengths here are in units of the integer grid but for the clip norm.
 */
import { ParleyError } from '../errors/index.ts'
import { checkPositive, type Neighbours } from './accounting/spend.ts'
import { roundedNorm } from './noise/randomized-rounding.ts'
import { fallingRoot } from './numeric/root.ts'

export type DistributedPlan = {
  /** z: what the noise of the honest survivors together is to be worth, relative to the sensitivity of the relation. */
  readonly multiplier: number
  /** C: the norm that updates are clipped to. */
  readonly clip: number
  /** Greatest absolute coordinate of a clipped update; C by default, less after a random rotation. */
  readonly greatestCoordinate?: number
  readonly dimension: number
  /** s: grid points per unit. */
  readonly scale: number
  readonly neighbours: Neighbours
  /** Most clients whose vectors are summed. */
  readonly clients: number
  /** Fewest survivors with which a sum is opened. */
  readonly minimumSurvivors: number
  /** Share of the survivors whose noise cannot be counted on, from 0 to below 1. */
  readonly corrupted: number
  /** What the masks count modulo; 2³² by default. */
  readonly modulus?: number
}

export type DistributedNoise = {
  /** σ_i: standard deviation of each client's discrete Gaussian, on the integer grid. */
  readonly sigma: number
  /** Norm that a client's rounded vector has at most: redraw its rounding until it has. */
  readonly roundedNorm: number
  /** Δ: `roundedNorm`, or twice that under replacement. */
  readonly sensitivity: number
  /** Noises that are counted on: ⌊survivors·(1 − corrupted)⌋. */
  readonly honest: number
  /** ε of the ½ε²-zCDP of an opened sum. */
  readonly epsilon: number
  /** ρ = ε²/2, for the spend. */
  readonly rho: number
  /** The least modulus that holds sum and noise. */
  readonly requiredModulus: number
}

/** A sum of Gaussians that are much narrower than a step is no Gaussian: τ would dominate. */
const LEAST_SIGMA = 1

/**
 * τ = 10·Σ_{k=1}^{n−1} e^{−2π²σ²k/(k+1)}: how far the sum of n discrete Gaussians is from being one (the same paper,
 * theorem 1). 0 for a single one.
 */
export function discretizationGap(n: number, sigma: number): number {
  let sum = 0
  for (let k = 1; k < n; k++) sum += Math.exp((-2 * Math.PI ** 2 * sigma ** 2 * k) / (k + 1))
  return 10 * sum
}

/**
 * ε of the ½ε²-zCDP of n integer vectors' sum with discrete Gaussians of σ each, at sensitivity Δ in d dimensions:
 * min(√(Δ²/(nσ²) + τd/2), Δ/(√n·σ) + τ√d).
 */
export function distributedEpsilon(n: number, sigma: number, sensitivity: number, dimension: number): number {
  const tau = discretizationGap(n, sigma)
  const central = sensitivity / (Math.sqrt(n) * sigma)
  return Math.min(Math.sqrt(central ** 2 + (tau * dimension) / 2), central + tau * Math.sqrt(dimension))
}

/**
 * The least noise per client with which an opened sum is as private as a central Gaussian of the wanted multiplier. Noise is
 * calibrated for the fewest survivors that a sum is opened with: **more make it more private, fewer must never be opened.**
 *
 * @throws RangeError for numbers outside of their range.
 * @throws ParleyError `plan.infeasible` if nobody's noise can be counted on, the grid is too coarse or the modulus too small.
 */
export function distributedNoise(plan: DistributedPlan): DistributedNoise {
  checkPlan(plan)
  const { multiplier, clip, dimension, scale, neighbours, clients, minimumSurvivors, corrupted } = plan
  const honest = Math.floor(minimumSurvivors * (1 - corrupted) + 1e-9)
  if (honest < 1) throw infeasible('none of the survivors is honest: raise minimumSurvivors or lower corrupted')
  const norm = roundedNorm(clip, scale, dimension)
  const sensitivity = neighbours === 'replace' ? 2 * norm : norm
  // Without the gap between discrete and continuous this would be all; the gap asks for a little more.
  const continuous = (multiplier * sensitivity) / Math.sqrt(honest)
  if (continuous < LEAST_SIGMA) {
    throw infeasible(`a client's noise would be narrower than a step of the grid: raise the scale above ${scale}`)
  }
  const excess = (sigma: number) => distributedEpsilon(honest, sigma, sensitivity, dimension) - 1 / multiplier
  let high = continuous
  while (excess(high) > 0) high *= 1.25
  const sigma = high === continuous ? high : fallingRoot(excess, { low: continuous, high }, 1e-9 * continuous)
  const epsilon = distributedEpsilon(honest, sigma, sensitivity, dimension)
  const requiredModulus = modulusFor(plan, sigma)
  const modulus = plan.modulus ?? 2 ** 32
  if (requiredModulus > modulus) {
    throw infeasible(
      `a sum of ${clients} vectors and their noise needs a modulus of ${Math.ceil(requiredModulus)}, not ${modulus}: lower the scale below ${scale}`,
    )
  }
  return { sigma, roundedNorm: norm, sensitivity, honest, epsilon, rho: epsilon ** 2 / 2, requiredModulus }
}

/** 2(n·(s·c_∞ + 1) + 8√n·σ): every coordinate of sum and noise, the noise to eight standard deviations. */
function modulusFor({ clients, scale, clip, greatestCoordinate = clip }: DistributedPlan, sigma: number): number {
  return 2 * (clients * (scale * greatestCoordinate + 1) + 8 * Math.sqrt(clients) * sigma)
}

function checkPlan(plan: DistributedPlan): void {
  checkPositive('a noise multiplier', plan.multiplier)
  checkPositive('a clip norm', plan.clip)
  checkPositive('a scale', plan.scale)
  const { dimension, clients, minimumSurvivors, corrupted } = plan
  for (const count of [dimension, clients, minimumSurvivors]) {
    if (!Number.isSafeInteger(count) || count < 1) throw new RangeError('counts are whole numbers from 1 on')
  }
  if (minimumSurvivors > clients) throw new RangeError('no more clients survive a round than take part in it')
  if (!(corrupted >= 0 && corrupted < 1)) throw new RangeError('a share of corrupted clients is from 0 to below 1')
}

function infeasible(message: string): ParleyError {
  return new ParleyError('plan.infeasible', message)
}
