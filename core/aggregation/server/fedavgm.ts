import { z } from 'zod'
import { defineServerOptimizer } from './optimizer.ts'
import { decay, learningRate } from './options.ts'

const options = z.strictObject({
  learningRate: learningRate.default(1),
  momentum: decay.default(0.9).describe('share of the last direction that is kept'),
})

/**
 * FedAvgM: v ← β·v + Δ, w ← w + η·v, from v = 0.
 * Hsu, Qi and Brown, Measuring the effects of non-identical data distribution for federated visual classification, 2019.
 */
export const fedavgm = defineServerOptimizer<z.output<typeof options>>({
  options,
  state: ['momentum'],
  start: () => [0],
  apply({ learningRate, momentum }, { weights, aggregate, out, state }) {
    const velocity = state[0] as Float32Array
    for (let j = 0; j < out.length; j++) {
      const v = momentum * (velocity[j] as number) + (aggregate[j] as number)
      velocity[j] = v
      out[j] = (weights[j] as number) + learningRate * v
    }
  },
})
