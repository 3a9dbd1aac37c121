import { z } from 'zod'
import { mainDirection } from '../covariance.ts'
import { figure } from '../figure.ts'
import { attackers, minority } from '../options.ts'
import { smallest, upTo } from '../order.ts'
import { defineRule, meanOf } from '../rule.ts'

const options = z.strictObject({
  f: attackers,
  /** c: so many times f updates are dropped, rounded to a whole number. */
  factor: z.number().min(1).max(100).default(1),
})

/**
 * Divide and conquer: drops the c·f updates with the largest projections on the direction in which the centred updates
 * differ most, and takes the mean of the others. Exact: all coordinates at once, where the paper draws some of them several
 * times. It sees one direction: attackers who pull apart along several hide behind the one who pulls farthest.
 * Shejwalkar and Houmansadr, Manipulating the Byzantine, NDSS 2021.
 */
export const dnc = defineRule<z.output<typeof options>>({
  options,
  breakdown: (n, { factor }) => {
    let f = minority(n)
    while (f > 0 && dropped(f, factor) >= n) f--
    return f
  },
  condition: '2f < n and c·f < n',
  attackers: ({ f }) => f,
  usesGram: true,
  decide(input, { f, factor }) {
    const { gram, n } = input
    const { projections } = mainDirection(gram, upTo(n), new Float64Array(n).fill(1 / n))
    const points = smallest(projections, n - dropped(f, factor))
    const most = Math.max(...points.map((point) => projections[point] as number))
    const length = (square: number) => figure(Math.sqrt(square))
    return meanOf(
      input,
      points,
      (point) =>
        `${length(projections[point] as number)} along the direction in which the updates differ most, the kept ones within ${length(most)}`,
    )
  },
})

function dropped(f: number, factor: number): number {
  return Math.round(factor * f)
}
