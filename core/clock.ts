/** Time as an argument: the system's clock in production, a virtual one in simulations and tests. */
export interface Clock {
  /** Milliseconds since the epoch, UTC. For records; durations are measured with `monotonic`. */
  now(): number
  /** Milliseconds from an arbitrary start; never goes back. */
  monotonic(): number
  /** Calls `action` once after `ms`; the returned function cancels it, and may be called at any time. */
  after(ms: number, action: () => void): () => void
}
