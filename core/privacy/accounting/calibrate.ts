/** How much noise a plan needs for the ε that it promises. */
import { ParleyError } from '../../errors/index.ts'
import { fallingRoot } from '../numeric/root.ts'
import { type Accountant, spent } from './accountant.ts'
import type { GaussianSpend, Spend } from './spend.ts'

export type Calibration = Omit<GaussianSpend, 'mechanism' | 'multiplier'> & {
  readonly delta: number
  /** `tightest` by default. */
  readonly accountant?: Accountant
  /** What else the budget has to pay for. */
  readonly before?: readonly Spend[]
}

/** Logarithms of multipliers beyond which none is looked for: no noise to speak of, and nothing left of the sum. */
const LEAST = Math.log(0.05)
const GREATEST = Math.log(1e6)

/**
 * The least noise multiplier with which all rounds, and what was spent before, stay within `epsilon`, rounded up by less
 * than 1e-6 of itself. Where accountants are exact so is this: the textbook's formula, wrong from ε = 1 on, is not used.
 *
 * @throws RangeError for numbers outside of their range.
 * @throws ParleyError `plan.infeasible` if no multiplier up to 10⁶ is enough.
 */
export function calibrateMultiplier(epsilon: number, calibration: Calibration): number {
  if (!(epsilon > 0 && Number.isFinite(epsilon))) throw new RangeError(`a target ε is positive, not ${epsilon}`)
  const { delta, accountant = 'tightest', before = [], sampling, neighbours, rounds } = calibration
  const excess = (accountantOf: Accountant) =>
    remembered((logMultiplier) => {
      const multiplier = Math.exp(logMultiplier)
      const spend: Spend = { mechanism: 'gaussian', multiplier, sampling, neighbours, rounds }
      return spent([...before, spend], delta, accountantOf).epsilon - epsilon
    })
  // The cheap accountant brackets the answer for the tight one, which is not far below.
  const byRdp = smallest(excess('rdp'), 0, Math.LN2, 1e-7)
  if (byRdp === undefined) {
    throw new ParleyError(
      'plan.infeasible',
      `no noise is enough for ε = ${epsilon} at δ = ${delta} in ${rounds} rounds`,
    )
  }
  if (accountant === 'rdp') return Math.exp(byRdp)
  return Math.exp(smallest(excess(accountant), byRdp, 0.2, 5e-7) ?? byRdp)
}

/** Both ends of a bracket are asked for more than once. */
function remembered(f: (x: number) => number): (x: number) => number {
  const known = new Map<number, number>()
  return (x) => {
    const value = known.get(x) ?? f(x)
    known.set(x, value)
    return value
  }
}

/** Walks from `start` in steps until the root is between two of them; `undefined` if it is beyond the greatest. */
function smallest(excess: (x: number) => number, start: number, step: number, tolerance: number): number | undefined {
  let high = start
  while (excess(high) > 0) {
    high += step
    if (high > GREATEST) return undefined
  }
  let low = high - step
  while (excess(low) <= 0) {
    high = low
    low -= step
    if (low < LEAST) return high
  }
  return fallingRoot(excess, { low, high }, tolerance)
}
