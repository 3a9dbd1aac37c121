import { defaultLimits, type Limits } from '../../core/wire/limits.ts'
import { NEVER_MS } from './clock.ts'

/** Silence means nothing in a simulation, whose clients live in the same process: no heartbeats, which come in a third of it. */
export const LIMITS: Limits = {
  ...defaultLimits,
  idleMs: 3 * NEVER_MS,
  stallMs: NEVER_MS,
  handshakeMs: NEVER_MS,
  modelBytes: 2 ** 40,
}
