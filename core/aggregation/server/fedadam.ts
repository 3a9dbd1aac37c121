import { z } from 'zod'
import { adaptive } from './adaptive.ts'
import { decay, learningRate, tau } from './options.ts'

const options = z.strictObject({ learningRate, beta1: decay.default(0.9), beta2: decay.default(0.99), tau })

/**
 * FedAdam: v ← β₂·v + (1 − β₂)·Δ², an average over the last rounds.
 * Reddi et al., Adaptive federated optimization, ICLR 2021, algorithm 2.
 */
export const fedadam = adaptive<z.output<typeof options>>(
  options,
  ({ beta2 }) =>
    (v, square) =>
      beta2 * v + (1 - beta2) * square,
)
