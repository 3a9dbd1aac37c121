import { z } from 'zod'
import { ParleyError } from '../../core/errors/index.ts'
import type { CraftInput } from './attack.ts'
import { meanOf, normOf, squaredDistance } from './vectors.ts'

export const searchOptions = z.strictObject({
  evaluations: z.int().min(1).max(1_000).default(20).describe('aggregations that the search may try'),
  start: z.number().min(0).max(1e9).default(0).describe('first factor'),
  step: z.number().positive().max(1e9).default(10).describe('first step'),
  ratio: z.number().gt(0.5).lt(1).default(0.8).describe('by which a step shrinks'),
})
export type SearchOptions = z.output<typeof searchOptions>

/** A family of attack vectors, one for each factor from 0 on. */
export type Family = {
  /** The updates that the attacker takes for the honest ones, and their mean. */
  readonly honest: readonly Float32Array[]
  readonly mean: Float64Array
  readonly at: (factor: number) => Float32Array
}

/**
 * Of the family the vector a that, sent by all attackers, drives the aggregate farthest from the honest mean: it maximises
 * ‖F(h ∪ {a, …, a}) − μ‖ by trial. A vector that the plan's screen would refuse, or at which the rule fails, does no damage.
 */
export async function mostDamaging(input: CraftInput, family: Family, options: SearchOptions): Promise<Float32Array> {
  const { aggregate = async (updates) => Float32Array.from(meanOf(updates)), attackers, maxNorm } = input
  const damage = async (factor: number) => {
    const attack = family.at(factor)
    if (normOf(attack) > maxNorm) return Number.NEGATIVE_INFINITY
    const updates = [...family.honest, ...Array<Float32Array>(attackers).fill(attack)]
    const result = await aggregate(updates).catch(nothingWhereTheRuleFails)
    return result === undefined ? Number.NEGATIVE_INFINITY : Math.sqrt(squaredDistance(result, family.mean))
  }
  return family.at(await maximise(damage, options))
}

function nothingWhereTheRuleFails(failure: unknown): undefined {
  if (!(failure instanceof ParleyError && failure.code === 'round.aggregation-failed')) throw failure
}

/**
 * The best of the factors that were tried: from `start` on by steps that double while things get better, then back and forth
 * around the best one by steps that shrink. No factor below 0; of equally good ones the first.
 * As `LineMaximize` in ByzFL.
 */
export async function maximise(
  value: (factor: number) => Promise<number>,
  { evaluations, start, step, ratio }: SearchOptions,
): Promise<number> {
  let best = { factor: start, value: await value(start) }
  let [tried, left, growing] = [start, evaluations - 1, true]
  for (; left > 0; left--) {
    tried = growing ? best.factor + step : nextAround(best.factor, tried, step)
    const found = await value(tried)
    const better = found > best.value
    if (better) best = { factor: tried, value: found }
    growing &&= better
    step *= growing ? 2 : ratio
  }
  return best.factor
}

/** From the last one a step towards the best; from the best itself a step down. Halved as often as it would lead below 0. */
function nextAround(best: number, last: number, step: number): number {
  if (last < best) return last + step
  let next = last - step
  while (next < 0) next = (next + last) / 2
  return next
}
