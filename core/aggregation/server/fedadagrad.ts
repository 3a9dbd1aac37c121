import { z } from 'zod'
import { adaptive } from './adaptive.ts'
import { decay, learningRate, tau } from './options.ts'

const options = z.strictObject({ learningRate, beta1: decay.default(0), tau })

/**
 * FedAdagrad: v ← v + Δ², so that steps become smaller where there was much change.
 * Reddi et al., Adaptive federated optimization, ICLR 2021, algorithm 2.
 */
export const fedadagrad = adaptive<z.output<typeof options>>(options, () => (v, square) => v + square)
