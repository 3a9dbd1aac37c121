import type { z } from 'zod'
import { figure } from '../figure.ts'
import { squaredDistances } from '../gram.ts'
import { withAttackers } from '../options.ts'
import { upTo } from '../order.ts'
import { defineRule, meanOf, type RuleInput } from '../rule.ts'
import { mostSubsets } from '../subsets.ts'

/**
 * Minimum diameter averaging: the mean of the n − f updates whose two farthest are nearest to each other; of equally tight
 * choices the first in lexicographic order.
 * Rousseeuw 1985 for points; El Mhamdi, Guerraoui, Guirguis, Hoang and Rouault, Genuinely distributed Byzantine machine
 * learning, PODC 2020, for learning.
 */
export const mda = defineRule<z.output<typeof withAttackers>>({
  options: withAttackers,
  breakdown: mostSubsets,
  condition: '2f < n and C(n, f) ≤ 1,000,000',
  attackers: ({ f }) => f,
  usesGram: true,
  searches: true,
  decide(input, { f }) {
    const { n } = input
    const { points, diameter } = tightest(input, f)
    const distances = squaredDistances(input.gram, n)
    return meanOf(input, points, (point) => {
      const farthest = Math.max(...points.map((other) => distances[point * n + other] as number))
      return `${figure(Math.sqrt(farthest))} from another update, where ${points.length} lie within ${figure(diameter)}`
    })
  },
})

/** The n − f points of least diameter. */
export function tightest(
  { gram, n }: Pick<RuleInput, 'gram' | 'n'>,
  f: number,
): { readonly points: number[]; readonly diameter: number } {
  const distances = squaredDistances(gram, n)
  // The square of the diameter is one of the distances: the smallest that f removals can bring about.
  const candidates = [...new Set(distances)].sort((a, b) => a - b)
  let low = 0
  let high = candidates.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (removable({ distances, n, limit: candidates[middle] as number, keep: new Set() }, new Set(), f)) high = middle
    else low = middle + 1
  }
  const limit = candidates[low] as number
  const keep = new Set<number>()
  const removed = new Set<number>()
  for (const point of upTo(n)) {
    if (keep.size === n - f) break
    keep.add(point)
    if (removable({ distances, n, limit, keep }, removed, f - removed.size)) continue
    keep.delete(point)
    removed.add(point)
  }
  return { points: [...keep], diameter: Math.sqrt(limit) }
}

type Search = {
  readonly distances: Float64Array
  readonly n: number
  /** The largest squared distance that may remain. */
  readonly limit: number
  readonly keep: ReadonlySet<number>
}

/**
 * Whether `budget` more removals, none of them of a point to keep, leave no two points farther apart than the limit. One
 * of every pair that is too far apart must go, so at most 2^f cases are tried instead of all C(n, f) subsets. `removed` is
 * as before when the call returns.
 */
function removable(search: Search, removed: Set<number>, budget: number): boolean {
  const pair = tooFar(search, removed)
  if (pair === undefined) return true
  if (budget === 0) return false
  return pair.some((point) => {
    if (search.keep.has(point)) return false
    removed.add(point)
    const found = removable(search, removed, budget - 1)
    removed.delete(point)
    return found
  })
}

function tooFar({ distances, n, limit }: Search, removed: ReadonlySet<number>): readonly [number, number] | undefined {
  for (let i = 0; i < n; i++) {
    if (removed.has(i)) continue
    for (let j = i + 1; j < n; j++) {
      if ((distances[i * n + j] as number) > limit && !removed.has(j)) return [i, j]
    }
  }
  return undefined
}
