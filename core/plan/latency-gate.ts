import { z } from 'zod'
import type { GateCommon } from './gates.ts'

export const latencySchema = z.strictObject({
  maxMs: z.number().gt(0).max(60_000).describe('milliseconds from inputs in memory to outputs in memory'),
  percentile: z.int().min(50).max(99).default(95).describe('of the answers, by nearest rank'),
  batch: z.int().min(1).max(1_024).default(1).describe('rows that are answered at once'),
})

/** Bounds how long the model takes to answer on the coordinator's engine and machine. */
export type LatencyGate = Omit<GateCommon, 'confidence'> & { readonly latency: z.output<typeof latencySchema> }
