import { z } from 'zod'

const rate = z.number().min(0).max(1)
const round = z.int().min(1).max(1_000_000)

/** What goes wrong in a simulation. Every draw follows from the world's seed, the client and the round. */
export const faultSchema = z.union([
  /** A client goes away at a phase of a round, and comes back with the next. */
  z.strictObject({ dropout: z.strictObject({ phase: z.enum(['training', 'upload', 'evaluation']), rate }) }),
  /** Training takes `factor` times as long. */
  z.strictObject({ straggler: z.strictObject({ rate, factor: z.number().min(1).max(1e6) }) }),
  /** The network delivers the frames of an upload twice. */
  z.strictObject({ duplicate: z.strictObject({ rate }) }),
  /** Every frame is late by a random time of at most `jitterMs`: updates arrive in another order. */
  z.strictObject({ reorder: z.strictObject({ jitterMs: z.number().min(0).max(1e9) }) }),
  /** The coordinator dies while it collects this round, with an update in, and comes back. */
  z.strictObject({ restart: z.strictObject({ round, downMs: z.number().min(0).max(1e9).default(1_000) }) }),
  /** A share of the clients cannot reach the coordinator for some rounds. */
  z.strictObject({ partition: z.strictObject({ share: rate, from: round, rounds: round }) }),
])
export type Fault = z.infer<typeof faultSchema>
