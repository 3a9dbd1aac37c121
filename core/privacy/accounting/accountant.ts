/** The one question of a ledger: what have these mechanisms spent together? */
import { ParleyError } from '../../errors/index.ts'
import { combinedMultiplier, gaussianDelta, gaussianEpsilon } from './analytic-gaussian.ts'
import { composedLoss, type GaussianRounds, LEAST_PLD_DELTA, pldDelta, pldEpsilon } from './pld/pld.ts'
import { type Converted, type RdpCurve, rdpDelta, rdpEpsilon } from './rdp/conversion.ts'
import { fixedSizeRdp } from './rdp/fixed-size.ts'
import { gaussianRdp, treeRdp, zcdpRdp } from './rdp/gaussian.ts'
import { defaultOrders } from './rdp/orders.ts'
import { poissonRdp } from './rdp/poisson.ts'
import { checkSpend, type Neighbours, type Spend } from './spend.ts'

/**
 * - `rdp`: moments. Every mechanism, milliseconds.
 * - `pld`: the whole distribution of losses. Gaussians with and without Poisson sampling; 6 to 45 % below `rdp`, more at tiny rates.
 * - `tightest`: the lower one of the two. Both are upper bounds, so this is one.
 */
export type Accountant = 'rdp' | 'pld' | 'tightest'

export type Spent = {
  readonly epsilon: number
  readonly delta: number
  /** Which accountant the numbers come from. */
  readonly accountant: 'rdp' | 'pld'
  /** The Rényi order that gave the bound. */
  readonly order?: number
  /** Why `rdp` answers although `pld` or `tightest` was asked for. */
  readonly fallback?: 'mechanism-without-pld' | 'delta-too-small-for-pld'
}

/**
 * ε of all spends together at δ in (0, 1).
 *
 * @throws RangeError for numbers outside of their range.
 * @throws ParleyError `plan.infeasible` for spends of different neighbour relations, which do not add up to one statement.
 */
export function spent(spends: readonly Spend[], delta: number, accountant: Accountant = 'tightest'): Spent {
  if (!(delta > 0 && delta < 1)) throw new RangeError(`δ lies between 0 and 1, not at ${delta}`)
  relationOf(spends)
  if (spends.length === 0) return { epsilon: 0, delta, accountant: accountant === 'pld' ? 'pld' : 'rdp' }
  const rdp = (): Spent => {
    const { value, order } = rdpEpsilon(rdpOf(spends), delta)
    return { epsilon: value, delta, accountant: 'rdp', ...(order === undefined ? {} : { order }) }
  }
  if (accountant === 'rdp') return rdp()
  const losses = lossesOf(spends)
  if (losses === undefined) return { ...rdp(), fallback: 'mechanism-without-pld' }
  if (losses.kind === 'sampled' && delta < LEAST_PLD_DELTA) return { ...rdp(), fallback: 'delta-too-small-for-pld' }
  const epsilon = losses.kind === 'plain' ? gaussianEpsilon(losses.multiplier, delta) : pldEpsilon(losses.loss(), delta)
  const pld: Spent = { epsilon, delta, accountant: 'pld' }
  if (accountant === 'pld') return pld
  const other = rdp()
  return other.epsilon < epsilon ? other : pld
}

/** δ of all spends together at ε ≥ 0; errors as of `spent`. */
export function deltaSpent(spends: readonly Spend[], epsilon: number, accountant: Accountant = 'tightest'): Spent {
  if (!(epsilon >= 0)) throw new RangeError(`ε is 0 or more, not ${epsilon}`)
  relationOf(spends)
  if (spends.length === 0) return { epsilon, delta: 0, accountant: accountant === 'pld' ? 'pld' : 'rdp' }
  const { value, order }: Converted = rdpDelta(rdpOf(spends), epsilon)
  const rdp: Spent = { epsilon, delta: value, accountant: 'rdp', ...(order === undefined ? {} : { order }) }
  if (accountant === 'rdp') return rdp
  const losses = lossesOf(spends)
  if (losses === undefined) return { ...rdp, fallback: 'mechanism-without-pld' }
  const delta = losses.kind === 'plain' ? gaussianDelta(losses.multiplier, epsilon) : pldDelta(losses.loss(), epsilon)
  return accountant === 'tightest' && value < delta ? rdp : { epsilon, delta, accountant: 'pld' }
}

/** What would have been spent after `next` as well. */
export function wouldSpend(
  spends: readonly Spend[],
  next: Spend,
  delta: number,
  accountant: Accountant = 'tightest',
): Spent {
  return spent([...spends, next], delta, accountant)
}

/** The relation of all spends, checked; `undefined` if there are none. Errors as of `spent`. */
export function relationOf(spends: readonly Spend[]): Neighbours | undefined {
  spends.forEach(checkSpend)
  const relation = spends[0]?.neighbours
  if (spends.some(({ neighbours }) => neighbours !== relation)) {
    throw new ParleyError('plan.infeasible', 'spends under different neighbour relations do not add up to one ε')
  }
  return relation
}

/** Rényi divergences of all spends together. */
export function rdpOf(spends: readonly Spend[], orders: readonly number[] = defaultOrders): RdpCurve {
  const values = new Float64Array(orders.length)
  for (const spend of spends) {
    const one = rdpOfRound(spend, orders)
    for (let i = 0; i < values.length; i++) values[i] = (values[i] as number) + spend.rounds * (one[i] as number)
  }
  return { orders, values }
}

function rdpOfRound(spend: Spend, orders: readonly number[]): Float64Array {
  switch (spend.mechanism) {
    case 'distributed-discrete-gaussian':
      return Float64Array.from(orders, (order) => zcdpRdp(spend.rho, order))
    case 'tree':
      return Float64Array.from(orders, (order) => treeRdp(spend.multiplier, spend.leaves, order))
    case 'gaussian': {
      const { multiplier, sampling } = spend
      switch (sampling.kind) {
        case 'all':
          return Float64Array.from(orders, (order) => gaussianRdp(multiplier, order))
        case 'poisson':
          return Float64Array.from(orders, (order) => poissonRdp(sampling.rate, multiplier, order))
        case 'fixed':
          return fixedSizeRdp(sampling.cohort / sampling.population, multiplier, orders)
      }
    }
  }
}

type Losses =
  | { readonly kind: 'plain'; readonly multiplier: number }
  | { readonly kind: 'sampled'; readonly loss: () => ReturnType<typeof composedLoss> }

/** The spends as privacy losses; `undefined` if one of them has none. All unsampled Gaussians are exactly one. */
function lossesOf(spends: readonly Spend[]): Losses | undefined {
  const plain: { multiplier: number; rounds: number }[] = []
  const sampled = new Map<string, GaussianRounds>()
  for (const spend of spends) {
    if (spend.mechanism !== 'gaussian' || spend.sampling.kind === 'fixed') return undefined
    const { multiplier, rounds } = spend
    const rate = spend.sampling.kind === 'poisson' ? spend.sampling.rate : 1
    if (rate === 1) {
      plain.push({ multiplier, rounds })
      continue
    }
    const key = `${rate} ${multiplier}`
    sampled.set(key, { rate, multiplier, rounds: rounds + (sampled.get(key)?.rounds ?? 0) })
  }
  if (sampled.size === 0) return { kind: 'plain', multiplier: combinedMultiplier(plain) }
  const parts = [...sampled.values()]
  if (plain.length > 0) parts.push({ rate: 1, multiplier: combinedMultiplier(plain), rounds: 1 })
  return { kind: 'sampled', loss: () => composedLoss(parts) }
}
