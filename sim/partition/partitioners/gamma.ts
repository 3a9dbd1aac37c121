import { z } from 'zod'
import { allRows, byLabel, evenCuts, roundedProduct, settled } from '../dealing.ts'
import { definePartitioner } from '../partitioner.ts'

const options = z.strictObject({
  gamma: z
    .number()
    .min(0)
    .max(1)
    .describe('share of the rows that are dealt like IID ones: 1 is IID, 0 sorted by label'),
})

/**
 * γ-similarity: ⌊γ·rows⌋ rows, drawn at random, are dealt as IID; the rest is sorted by label and cut evenly.
 * Karimireddy et al., SCAFFOLD, ICML 2020 (s % similarity); as `gamma_similarity_niid` in ByzFL, which takes the first rows for the
 * IID part where this draws them.
 */
export const gamma = definePartitioner<z.output<typeof options>>({
  options,
  split(labels, clients, random, { gamma }) {
    const rows = random.shuffle(allRows(labels.length))
    const similar = Math.floor(roundedProduct(gamma, rows.length))
    const dealt = evenCuts(rows.subarray(0, similar), clients)
    const sorted = evenCuts(byLabel(rows.subarray(similar), labels), clients)
    return settled(dealt.map((part, client) => [...part, ...(sorted[client] as Uint32Array)]))
  },
})
