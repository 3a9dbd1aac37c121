import { ParleyError } from '../../core/errors/index.ts'
import type { Random } from '../../core/random/random.ts'
import { allRows, evenCuts } from './dealing.ts'

/** Clients of one fold, by number, ascending. */
export type Fold = { readonly train: readonly number[]; readonly heldOut: readonly number[] }

/**
 * Cross-validation over clients: each client is held out in exactly one of k folds, whose sizes differ by one at most. It tells how
 * well a model does at institutions that had no part in its training. Throws `plan.infeasible` unless 2 ≤ k ≤ clients.
 */
export function kFold(clients: number, k: number, random: Random): Fold[] {
  if (!(Number.isInteger(k) && k >= 2 && k <= clients)) {
    throw new ParleyError('plan.infeasible', `${k} folds of ${clients} clients: from 2 to as many as there are clients`)
  }
  return evenCuts(random.shuffle(allRows(clients)), k).map((cut) => {
    const held = new Set(cut)
    const all = Array.from({ length: clients }, (_, client) => client)
    return { train: all.filter((client) => !held.has(client)), heldOut: all.filter((client) => held.has(client)) }
  })
}
