import { z } from 'zod'
import { allRows, evenCuts, settled } from '../dealing.ts'
import { definePartitioner } from '../partitioner.ts'

const options = z.strictObject({})

/**
 * IID: rows in random order, cut evenly.
 * McMahan, Moore, Ramage, Hampson and Agüera y Arcas, Communication-efficient learning of deep networks from decentralized data,
 * AISTATS 2017.
 */
export const iid = definePartitioner<z.output<typeof options>>({
  options,
  split: (labels, clients, random) => settled(evenCuts(random.shuffle(allRows(labels.length)), clients)),
})
