/**
 * Rényi divergence of the Gaussian on a sample of fixed size without replacement, neighbours by replacing one (Wang, Balle
 * and Kasiviswanathan, "Subsampled Rényi Differential Privacy and Analytical Moments Accountant", 2019, theorem 27).
 */
import { LogSum, logBinomials, logExpMinusOne, logOnePlusExp } from '../../numeric/log-sum.ts'
import { logAlternatingSums } from './alternating.ts'
import { gaussianRdp } from './gaussian.ts'
import { checkOrder } from './orders.ts'

/** Up to this integer order the tighter branch with the alternating sums is tried. */
const LAST_ALTERNATING = 256

const LN4 = 2 * Math.LN2

/**
 * ε(α) of one round for every order of `orders` (each > 1), at sampling fraction q in (0, 1] and multiplier z > 0, which is
 * relative to the sensitivity under replacement (2C for a sum of vectors clipped to C). Never above that without sampling.
 */
export function fixedSizeRdp(fraction: number, multiplier: number, orders: readonly number[]): Float64Array {
  orders.forEach(checkOrder)
  const highest = Math.ceil(Math.max(2, ...orders.filter((order) => order <= LAST_ALTERNATING)))
  const sums = logAlternatingSums(multiplier, highest + (highest % 2))
  const moment = momentsOf(fraction, multiplier, sums)
  return Float64Array.from(orders, (order) => {
    const below = Math.floor(order)
    const share = order - below
    // ln A is convex in α, so that the chord between two integers bounds it; A = 1 at α = 1.
    const log = share === 0 ? moment(below) : (1 - share) * moment(below) + share * moment(below + 1)
    return Math.min(log / (order - 1), gaussianRdp(multiplier, order))
  })
}

/** ln A at integer orders, each worked out once. */
function momentsOf(fraction: number, multiplier: number, sums: readonly number[]): (order: number) => number {
  const known = new Map<number, number>([[1, 0]])
  const inverse = 1 / multiplier ** 2
  const logFraction = Math.log(fraction)
  /** ln of what multiplies C(α, j), without the branch of the alternating sums. */
  const plain = (j: number) => j * logFraction + Math.LN2 + (j * (j - 1) * inverse) / 2
  const term = (j: number, alternating: boolean): number => {
    if (j === 2) return 2 * logFraction + Math.min(LN4 + logExpMinusOne(inverse), Math.LN2 + inverse)
    const below = sums[Math.floor(j / 2)]
    const above = sums[Math.ceil(j / 2)]
    if (!alternating || below === undefined || above === undefined) return plain(j)
    return Math.min(j * logFraction + LN4 + (below + above) / 2, plain(j))
  }
  const terms = Float64Array.from({ length: LAST_ALTERNATING + 1 }, (_, j) => (j < 2 ? 0 : term(j, true)))
  return (order) => {
    const before = known.get(order)
    if (before !== undefined) return before
    const binomials = logBinomials(order)
    const excess = new LogSum()
    const alternating = order <= LAST_ALTERNATING
    for (let j = 2; j <= order; j++) {
      const log = alternating ? (terms[j] as number) : term(j, false)
      excess.add((binomials[j] as number) + log)
    }
    const value = logOnePlusExp(excess.value)
    known.set(order, value)
    return value
  }
}
