import type { z } from 'zod'
import { product, squaredDistances } from '../gram.ts'
import { withAttackers } from '../options.ts'
import { ascending, upTo } from '../order.ts'
import { defineRule, type RuleInput } from '../rule.ts'

/**
 * Bulyan: picks θ = n − 2f updates by Krum, again and again on those that are left; then in each coordinate the mean of the
 * θ − 2f picked values nearest to their median.
 * El Mhamdi, Guerraoui and Rouault, The hidden vulnerability of distributed learning in Byzantium, ICML 2018.
 */
export const bulyan = defineRule<z.output<typeof withAttackers>>({
  options: withAttackers,
  breakdown: (n) => Math.floor((n - 3) / 4),
  condition: '4f + 3 ≤ n',
  attackers: ({ f }) => f,
  usesGram: true,
  decide(input, { f }) {
    const points = bulyanPicks(input, f).sort((a, b) => a - b)
    const picked = new Set(points)
    const leftOut = upTo(input.n)
      .filter((point) => !picked.has(point))
      .map((point) => ({ point, why: `not among the ${points.length} picked as nearest to the others` }))
    return { kind: 'reduction', points, reduce: { kind: 'nearest-median', keep: points.length - 2 * f }, leftOut }
  },
})

/** Of ‖x‖², what the rounding of ‖x‖² + ‖y‖² − 2⟨x, y⟩ may come to. */
const ROUNDING = 2 ** -44

/** The n − 2f picks in their order, each by Krum with max(1, set − f − 2) neighbours among the points not yet picked. */
export function bulyanPicks({ gram, n }: Pick<RuleInput, 'gram' | 'n'>, f: number): number[] {
  const distances = squaredDistances(gram, n)
  const rowOf = (i: number) => distances.subarray(i * n, (i + 1) * n)
  // Sorted once; picking takes points out and never changes the order of the others.
  const nearest = upTo(n).map((i) => ascending(rowOf(i)).filter((j) => j !== i))
  const left = new Set(upTo(n))
  const picks: number[] = []
  while (picks.length < n - 2 * f) {
    const neighbours = Math.max(1, left.size - f - 2)
    const points = [...left]
    const scores = points.map((i) => sumOfNearest(rowOf(i), nearest[i] as number[], left, neighbours))
    const least = Math.min(...scores)
    // Small sets are often symmetric: scores that differ by no more than the distances are rounded are a tie.
    const tied = (i: number, at: number) =>
      (scores[at] as number) - neighbours * ROUNDING * product(gram, i, i) <= least
    const best = points.find(tied) as number
    picks.push(best)
    left.delete(best)
  }
  return picks
}

function sumOfNearest(row: Float64Array, order: readonly number[], left: ReadonlySet<number>, count: number): number {
  let sum = 0
  for (const j of order) {
    if (count === 0) break
    if (!left.has(j)) continue
    sum += row[j] as number
    count--
  }
  return sum
}
