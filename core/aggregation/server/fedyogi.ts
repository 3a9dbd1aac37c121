import { z } from 'zod'
import { adaptive } from './adaptive.ts'
import { decay, learningRate, tau } from './options.ts'

const options = z.strictObject({ learningRate, beta1: decay.default(0.9), beta2: decay.default(0.99), tau })

/**
 * FedYogi: v ← v − (1 − β₂)·Δ²·sign(v − Δ²), which changes v by no more than Δ² calls for: it forgets slowly.
 * Reddi et al., Adaptive federated optimization, ICLR 2021, algorithm 2.
 */
export const fedyogi = adaptive<z.output<typeof options>>(
  options,
  ({ beta2 }) =>
    (v, square) =>
      v - (1 - beta2) * square * Math.sign(v - square),
)
