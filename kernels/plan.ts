import type { ColumnReduction } from '../core/aggregation/rule.ts'
import { ParleyError } from '../core/errors/index.ts'
import { selectionNetwork, sortingNetwork } from './network.ts'
import { programOf } from './program.ts'

/** What the columns kernel does for a reduction of `count` values. */
export type ColumnsPlan = {
  readonly program: Uint32Array
  readonly comparators: number
  /** Wires `low` to before `high` are averaged, unless `keep` is above 0. */
  readonly low: number
  readonly high: number
  /** So many values nearest to the median are averaged. */
  readonly keep: number
}

// The search for the smallest network takes milliseconds; a run asks for one or two of them in every round.
const plans = new Map<string, ColumnsPlan>()
const MAX_PLANS = 32

/** Fails with `internal` when the reduction keeps none of `count` values, or more than there are. */
export function columnsPlan(count: number, reduce: ColumnReduction): ColumnsPlan {
  const key = `${count} ${reduce.kind} ${reduce.kind === 'trimmed-mean' ? reduce.drop : reduce.keep}`
  const known = plans.get(key)
  if (known !== undefined) return known
  const plan = newPlan(count, reduce)
  if (plans.size >= MAX_PLANS) plans.clear()
  plans.set(key, plan)
  return plan
}

function newPlan(count: number, reduce: ColumnReduction): ColumnsPlan {
  switch (reduce.kind) {
    case 'trimmed-mean':
      return middlePlan(count, reduce.drop)
    case 'nearest-median': {
      const { keep } = reduce
      if (!Number.isInteger(keep) || keep < 1 || keep > count) {
        throw new ParleyError('internal', `${keep} values nearest to the median of ${count}`)
      }
      // All of them: their order does not matter.
      if (keep === count) return middlePlan(count, 0)
      const network = sortingNetwork(count)
      return { ...compiled(network, count), low: 0, high: count, keep }
    }
  }
}

function middlePlan(count: number, drop: number): ColumnsPlan {
  if (!Number.isInteger(drop) || drop < 0 || 2 * drop >= count) {
    throw new ParleyError('internal', `${count} values without the ${drop} smallest and largest`)
  }
  const [low, high] = [drop, count - drop]
  return { ...compiled(selectionNetwork(count, low, high), count), low, high, keep: 0 }
}

function compiled(network: Uint32Array, count: number): Pick<ColumnsPlan, 'program' | 'comparators'> {
  return { program: programOf(network, count), comparators: network.length / 2 }
}

/** The m × n coefficients in the order in which the kernel reads them: four rows beside each other, as float32. */
export function packedMix(values: Float64Array, m: number, n: number): Float32Array {
  const packed = new Float32Array(Math.ceil(m / 4) * n * 4)
  for (let k = 0; k < m; k++) {
    for (let i = 0; i < n; i++) packed[((k >> 2) * n + i) * 4 + (k & 3)] = values[k * n + i] as number
  }
  return packed
}
