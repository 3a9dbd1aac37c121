import { z } from 'zod'
import type { Random } from '../../../core/random/random.ts'
import { allRows, append, checkMinimum, cutByShares, evenCuts, rowsOfClasses, settled } from '../dealing.ts'
import { definePartitioner } from '../partitioner.ts'
import { dirichletVariate } from '../variates.ts'

const options = z.strictObject({
  alpha: z.number().min(1e-6).max(1e9).describe('concentration: large is like IID, small one class per client'),
  per: z
    .enum(['client', 'class'])
    .default('client')
    .describe('what draws its shares: each client shares of classes, or each class shares of clients'),
  minimum: z.int().min(1).max(1_000_000).default(1).describe('rows that each client has at least'),
})

/**
 * Dirichlet over labels, in the two forms of the field.
 *
 * - per client: clients of equal size; each draws its classes from q ~ Dir(α·p), with p the shares of the classes in the data, one
 *   row after the other without replacement. A class that is used up has no part any more, and when q has nothing left, rows
 *   are drawn as they remain. Hsu, Qi and Brown, Measuring the effects of non-identical data distribution for federated visual
 *   classification, 2019.
 * - per class: clients of any size; the rows of each class are cut by shares q ~ Dir(α, …, α) over the clients. Yurochkin et al.,
 *   Bayesian nonparametric federated learning of neural networks, ICML 2019; Li et al., ICDE 2022. As in Flower and ByzFL.
 *
 * The same α is more skewed per client, where it is divided among the classes. Clients with fewer rows than the minimum get some
 * from the largest ones; the others draw all anew instead, which changes the distribution as well, and need not end.
 */
export const dirichlet = definePartitioner<z.output<typeof options>>({
  options,
  split(labels, clients, random, { alpha, per, minimum }) {
    checkMinimum(labels.length, clients, minimum)
    const rows = rowsOfClasses(random.shuffle(allRows(labels.length)), labels)
    const parts = per === 'client' ? byClient(rows, clients, alpha, random) : byClass(rows, clients, alpha, random)
    return settled(parts, minimum)
  },
})

function byClient(rows: readonly Uint32Array[], clients: number, alpha: number, random: Random): number[][] {
  const total = rows.reduce((sum, members) => sum + members.length, 0)
  if (total === 0) return Array.from({ length: clients }, () => [])
  const left = rows.map((members) => members.length)
  const prior = left.map((count) => (alpha * count) / total)
  return evenCuts(allRows(total), clients).map(({ length: size }) => {
    const shares = dirichletVariate(prior, random)
    return Array.from({ length: size }, () => {
      const k = drawn(shares, left, random)
      left[k] = (left[k] as number) - 1
      return (rows[k] as Uint32Array)[left[k] as number] as number
    })
  })
}

/** A class that has rows left, by these shares; by what is left where the shares have nothing to say. */
function drawn(shares: readonly number[], left: readonly number[], random: Random): number {
  const open = shares.map((share, k) => ((left[k] as number) > 0 ? share : 0))
  const weights = open.some((weight) => weight > 0) ? open : left
  let rest = random.uniform() * weights.reduce((a, b) => a + b, 0)
  let last = 0
  for (const [k, weight] of weights.entries()) {
    if (weight === 0) continue
    last = k
    rest -= weight
    if (rest < 0) break
  }
  return last
}

function byClass(rows: readonly Uint32Array[], clients: number, alpha: number, random: Random): number[][] {
  const parts = Array.from({ length: clients }, (): number[] => [])
  for (const members of rows) {
    const shares = dirichletVariate(Array<number>(clients).fill(alpha), random)
    cutByShares(members, shares).forEach((cut, client) => {
      append(parts[client] as number[], cut)
    })
  }
  return parts
}
