import type { z } from 'zod'
import { centred, roundingOf } from '../covariance.ts'
import { eigenvaluesBelow, topEigenvalue } from '../eigen.ts'
import type { Gram } from '../gram.ts'
import { withAttackers } from '../options.ts'
import { defineRule, meanOf, type RuleInput } from '../rule.ts'
import { mostSubsets } from '../subsets.ts'

const MOST_POINTS = 20

/**
 * Smallest maximum eigenvalue averaging: the mean of the n − f updates whose covariance has the least largest eigenvalue; of
 * equal choices the first in lexicographic order. The best rule there is, up to constants, and exact here, so n ≤ 20; `caf`
 * comes close for more.
 * Allouah, Guerraoui, Gupta, Pinot and Stephan, On the privacy-robustness-utility trilemma in distributed learning, ICML 2023.
 */
export const smea = defineRule<z.output<typeof withAttackers>>({
  options: withAttackers,
  breakdown: (n) => (n <= MOST_POINTS ? mostSubsets(n) : -1),
  condition: '2f < n ≤ 20',
  attackers: ({ f }) => f,
  usesGram: true,
  searches: true,
  decide(input, { f }) {
    const points = leastSpread(input, f)
    return meanOf(input, points, () => `the other ${points.length} updates differ least in any direction`)
  },
})

/** The n − f points with the least spread along any one direction. */
export function leastSpread({ gram, n }: Pick<RuleInput, 'gram' | 'n'>, f: number): number[] {
  const size = n - f
  const chosen: number[] = []
  let best: number[] = []
  let least = Number.POSITIVE_INFINITY
  // Another point never lessens a spread: a beginning that is no better than the best choice so far is not continued.
  const better = () => best.length === 0 || eigenvaluesBelow(scatter(gram, chosen), least - roundingOf(gram, chosen))
  const extend = (from: number) => {
    if (chosen.length === size) {
      best = [...chosen]
      least = topEigenvalue(scatter(gram, chosen))
      return
    }
    for (let point = from; point <= f + chosen.length; point++) {
      chosen.push(point)
      if (better()) extend(point + 1)
      chosen.pop()
    }
  }
  extend(0)
  return best
}

/** Inner products of the points less their mean. Its eigenvalues are those of the covariance times the number of points. */
function scatter(gram: Gram, points: readonly number[]): Gram {
  return centred(gram, points, new Float64Array(points.length).fill(1 / points.length))
}
