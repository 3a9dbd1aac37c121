import { z } from 'zod'
import { ParleyError } from '../../../core/errors/index.ts'
import type { Random } from '../../../core/random/random.ts'
import { allRows, append, evenCuts, rowsOfClasses, settled } from '../dealing.ts'
import { definePartitioner } from '../partitioner.ts'

const options = z.strictObject({
  perClient: z.int().min(1).max(100_000).default(2).describe('classes of which each client has rows'),
})

/**
 * Pathological: each client has rows of `perClient` classes. Clients take turns and draw among the classes that have the fewest
 * owners so far; the rows of a class, in random order, are cut evenly among its owners. A class with fewer rows than owners
 * leaves some of them without, and a client without any row gets one from the client with most, of whatever class.
 * Li, Diao, Chen and He, Federated learning on non-IID data silos, ICDE 2022 (#C = k).
 */
export const classes = definePartitioner<z.output<typeof options>>({
  options,
  split(labels, clients, random, { perClient }) {
    const rows = rowsOfClasses(random.shuffle(allRows(labels.length)), labels)
    check(rows.length, clients, perClient)
    const owners = ownersOf(rows.length, clients, perClient, random)
    const parts = Array.from({ length: clients }, (): number[] => [])
    rows.forEach((members, k) => {
      const own = owners[k] as number[]
      evenCuts(members, own.length).forEach((cut, i) => {
        append(parts[own[i] as number] as number[], cut)
      })
    })
    return settled(parts)
  },
})

function check(classes: number, clients: number, perClient: number): void {
  if (classes === 0 || (perClient <= classes && clients * perClient >= classes)) return
  throw new ParleyError(
    'plan.infeasible',
    `classes.perClient of ${perClient}: ${clients} clients cannot share ${classes} classes so that each class has an owner and each client ${perClient} classes`,
    { details: { classes, clients, perClient } },
  )
}

/** For each class its owners. */
function ownersOf(classes: number, clients: number, perClient: number, random: Random): number[][] {
  const owners = Array.from({ length: classes }, (): number[] => [])
  for (let client = 0; client < clients; client++) {
    // A stable sort of a random order: equally rare classes are equally likely.
    const order = random.shuffle([...owners]).sort((a, b) => a.length - b.length)
    for (const own of order.slice(0, perClient)) own.push(client)
  }
  return owners
}
