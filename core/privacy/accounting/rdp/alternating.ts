/**
 * The alternating sums B(l) = Σ_{i=0}^{l} (−1)^i C(l,i) e^{i(i−1)/(2z²)} of the bound for fixed-size samples. They are the
 * l-th differences of i ↦ e^{i(i−1)/(2z²)}, so smooth for large z that a thousand digits can cancel: exact integers.
 */
import { exactFraction, fixedExp, logOfFixed } from '../../numeric/fixed-point.ts'
import { LogSum, logBinomials } from '../../numeric/log-sum.ts'

/**
 * Beyond that many binary places the sums are rounded up instead: a bound still, only looser than it could be. Reached by
 * multipliers of some ten millions.
 */
const MOST_BITS = 8192

/**
 * Upper bounds of ln |B(l)| for even l, by l/2, as far as l ≤ `last` and the last term does not outweigh all others twice
 * (from there on the other branch of the minimum is the smaller one; the list is shorter then).
 */
export function logAlternatingSums(multiplier: number, last: number): readonly number[] {
  const size = 2 * Math.floor(lastBalanced(multiplier, last) / 2)
  const wanted = Math.ceil(size * (Math.log2(Math.max(1, multiplier)) + 2)) + 96
  const bits = Math.min(wanted, MOST_BITS)
  // 1/z² exactly, as a fraction of integers.
  const { numerator, shift } = exactFraction(multiplier)
  const one = 1n << BigInt(2 * shift)
  const square = numerator * numerator
  // Extra places for the recursion, whose relative error the largest value multiplies.
  const working = bits + 96 + Math.ceil((size * size) / (2 * multiplier ** 2 * Math.LN2))
  const ratio = fixedExp(one, square, working)
  let power = 1n << BigInt(working)
  let value = power
  let column: bigint[] = [value >> BigInt(working - bits)]
  for (let i = 1; i <= size; i++) {
    // e^{i(i−1)/(2z²)} = e^{(i−1)(i−2)/(2z²)}·e^{(i−1)/z²}
    value = (value * power) >> BigInt(working)
    power = (power * ratio) >> BigInt(working)
    column.push(value >> BigInt(working - bits))
  }
  const logs = [0]
  for (let l = 1; l <= size; l++) {
    column = column.slice(1).map((next, i) => (column[i] as bigint) - next)
    if (l % 2 === 1) continue
    const difference = column[0] as bigint
    // Every value is off by less than two units, and C(l, i) add up to 2^l.
    const bound = (difference < 0n ? -difference : difference) + (2n << BigInt(l))
    logs.push(logOfFixed(bound, bits))
  }
  return logs
}

/** The largest l ≤ `last` up to which no sum is at least half its last term. */
function lastBalanced(multiplier: number, last: number): number {
  for (let l = 2; l <= last; l++) {
    const binomials = logBinomials(l)
    const others = new LogSum()
    for (let i = 0; i < l; i++) others.add((binomials[i] as number) + (i * (i - 1)) / (2 * multiplier ** 2))
    if ((l * (l - 1)) / (2 * multiplier ** 2) > others.value + Math.log(2) + 1e-9) return l - 1
  }
  return last
}
