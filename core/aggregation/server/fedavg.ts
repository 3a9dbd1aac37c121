import { z } from 'zod'
import { defineServerOptimizer } from './optimizer.ts'
import { learningRate } from './options.ts'

const options = z.strictObject({ learningRate: learningRate.default(1) })

/**
 * FedAvg: w ← w + η·Δ; with η = 1 the weights become the average of the clients' weights.
 * McMahan et al., Communication-efficient learning of deep networks from decentralized data, AISTATS 2017.
 */
export const fedavg = defineServerOptimizer<z.output<typeof options>>({
  options,
  state: [],
  start: () => [],
  apply({ learningRate }, { weights, aggregate, out }) {
    for (let j = 0; j < out.length; j++) {
      out[j] = (weights[j] as number) + learningRate * (aggregate[j] as number)
    }
  },
})
