import { z } from 'zod'
import { allRows, byLabel, evenCuts, settled } from '../dealing.ts'
import { definePartitioner } from '../partitioner.ts'

const options = z.strictObject({
  perClient: z.int().min(1).max(10_000).default(2).describe('shards that each client gets'),
})

/**
 * Shards: rows sorted by label, cut evenly into clients · perClient shards, dealt at random. With two shards each most clients
 * have rows of two labels only. Rows of one label are in random order.
 * McMahan et al., AISTATS 2017 (200 shards of 300 rows to 100 clients).
 */
export const shards = definePartitioner<z.output<typeof options>>({
  options,
  split(labels, clients, random, { perClient }) {
    const sorted = byLabel(random.shuffle(allRows(labels.length)), labels)
    const dealt = random.shuffle(evenCuts(sorted, clients * perClient))
    return settled(
      Array.from({ length: clients }, (_, client) =>
        dealt.slice(client * perClient, (client + 1) * perClient).flatMap((shard) => [...shard]),
      ),
    )
  },
})
