import { z } from 'zod'
import { allRows, checkMinimum, cutByShares, settled } from '../dealing.ts'
import { definePartitioner } from '../partitioner.ts'
import { dirichletVariate } from '../variates.ts'

const options = z.strictObject({
  alpha: z
    .number()
    .min(1e-6)
    .max(1e9)
    .describe('concentration: large is clients of equal size, small a few that have all'),
  minimum: z.int().min(1).max(1_000_000).default(1).describe('rows that each client has at least'),
})

/**
 * Dirichlet over quantities: rows in random order, cut by shares q ~ Dir(α, …, α) over the clients: labels are IID, sizes differ.
 * Li, Diao, Chen and He, Federated learning on non-IID data silos, ICDE 2022 (quantity skew).
 */
export const dirichletQuantity = definePartitioner<z.output<typeof options>>({
  options,
  split(labels, clients, random, { alpha, minimum }) {
    checkMinimum(labels.length, clients, minimum)
    const rows = random.shuffle(allRows(labels.length))
    return settled(cutByShares(rows, dirichletVariate(Array<number>(clients).fill(alpha), random)), minimum)
  },
})
