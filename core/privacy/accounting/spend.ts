/**
 * What a mechanism spends, as plain data that a ledger can keep. Every multiplier in it is the standard deviation of the
 * noise over the sensitivity **of the stated neighbour relation**: make it with `multiplierOf`, which knows the factor 2.
 */
import { ParleyError } from '../../errors/index.ts'

/**
 * Which two inputs must look alike.
 *
 * - `add-or-remove`: one client is there or not. Replacing its vector by zeros counts as the same: the sums are alike.
 * - `replace`: one client's contribution is another one. Its sensitivity is 2C for a sum of vectors clipped to C.
 */
export type Neighbours = 'add-or-remove' | 'replace'

/**
 * Who takes part in a round.
 *
 * - `all`: no amplification. Right for everybody-every-round, and the only honest choice for cohorts that select themselves
 *   or depend on who is online, charging, or fast: a secret coin of the coordinator is what amplification comes from.
 * - `poisson`: each client joins by a secret coin of its own with probability `rate`, so that the size of the cohort varies
 *   and rounds may be empty. Only for add-or-remove.
 * - `fixed`: `cohort` of `population` clients, uniformly and secretly, without replacement. Only for replace.
 */
export type Sampling =
  | { readonly kind: 'all' }
  | { readonly kind: 'poisson'; readonly rate: number }
  | { readonly kind: 'fixed'; readonly cohort: number; readonly population: number }

export type GaussianSpend = {
  readonly mechanism: 'gaussian'
  readonly multiplier: number
  readonly sampling: Sampling
  readonly neighbours: Neighbours
  /** How many rounds; for record-level training: steps. */
  readonly rounds: number
}

/** Every round is ρ-zCDP, as `distributedNoise` says; cohorts get no amplification. */
export type DistributedSpend = {
  readonly mechanism: 'distributed-discrete-gaussian'
  readonly rho: number
  readonly neighbours: Neighbours
  readonly rounds: number
}

/** Whole trees of partial sums (DP-FTRL), each over `leaves` rounds, every client in at most one leaf of each. */
export type TreeSpend = {
  readonly mechanism: 'tree'
  readonly multiplier: number
  readonly leaves: number
  readonly neighbours: Neighbours
  /** How many such trees; a restart begins a new one. */
  readonly rounds: number
}

export type Spend = GaussianSpend | DistributedSpend | TreeSpend

/** What determines how strongly one contribution can move a sum, and the noise on it; all lengths in the same unit. */
export type NoisySum = {
  /** Standard deviation σ of the noise on every coordinate. */
  readonly sigma: number
  /** The norm C that every contribution is clipped to. */
  readonly clip: number
  readonly neighbours: Neighbours
  /** The greatest weight of a contribution in the sum; 1 by default. */
  readonly greatestWeight?: number
  /** What rounding to a grid can move one sum by, as `roundingSensitivity` gives it; 0 by default. */
  readonly rounding?: number
}

/** The sensitivity of a sum: w·C for one vector more or less, 2·w·C for another vector in its place. */
export function sensitivityOf({ clip, neighbours, greatestWeight = 1, rounding = 0 }: Omit<NoisySum, 'sigma'>): number {
  for (const value of [clip, greatestWeight]) checkPositive('a clip norm or weight', value)
  if (!(rounding >= 0)) throw new RangeError(`rounding moves a sum by 0 or more, not ${rounding}`)
  return (neighbours === 'replace' ? 2 : 1) * greatestWeight * clip + rounding
}

/** The multiplier z = σ/sensitivity to put into a spend. */
export function multiplierOf(sum: NoisySum): number {
  checkPositive('a standard deviation', sum.sigma)
  return sum.sigma / sensitivityOf(sum)
}

/**
 * @throws RangeError for numbers outside of their range.
 * @throws ParleyError `plan.infeasible` for a sampling that has no bound under the stated relation.
 */
export function checkSpend(spend: Spend): void {
  if (!Number.isSafeInteger(spend.rounds) || spend.rounds < 1) throw new RangeError('a spend is for 1 round or more')
  switch (spend.mechanism) {
    case 'gaussian':
      checkPositive('a noise multiplier', spend.multiplier)
      return checkSampling(spend.sampling, spend.neighbours)
    case 'distributed-discrete-gaussian':
      return checkPositive('ρ', spend.rho)
    case 'tree':
      checkPositive('a noise multiplier', spend.multiplier)
      if (!Number.isSafeInteger(spend.leaves) || spend.leaves < 1) throw new RangeError('a tree has 1 leaf or more')
  }
}

/** The same spend for another number of rounds. */
export function timesRounds<S extends Spend>(spend: S, rounds: number): S {
  return { ...spend, rounds }
}

function checkSampling(sampling: Sampling, neighbours: Neighbours): void {
  switch (sampling.kind) {
    case 'all':
      return
    case 'poisson':
      if (!(sampling.rate > 0 && sampling.rate <= 1)) throw new RangeError('a sampling rate is above 0 and at most 1')
      if (neighbours !== 'add-or-remove') {
        throw new ParleyError(
          'plan.infeasible',
          'Poisson sampling is accounted for neighbours by adding or removing one',
        )
      }
      return
    case 'fixed': {
      const { cohort, population } = sampling
      if (!Number.isSafeInteger(cohort) || !Number.isSafeInteger(population) || cohort < 1 || cohort > population) {
        throw new RangeError('a cohort has between 1 and all of the population')
      }
      if (neighbours !== 'replace') {
        throw new ParleyError(
          'plan.infeasible',
          'samples of fixed size are accounted for neighbours by replacing one, where the sensitivity is 2C',
        )
      }
    }
  }
}

export function checkPositive(what: string, value: number): void {
  if (!(value > 0 && Number.isFinite(value))) throw new RangeError(`${what} is a positive number, not ${value}`)
}
