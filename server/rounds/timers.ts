import type { Clock } from '../../core/clock.ts'
import type { Instant } from './state.ts'

// Longest wait that a timer takes in one piece; platforms overflow beyond 2^31 ms.
const LONGEST_MS = 24 * 3_600_000

/** The armed times of one run. A run's phase has at most a few; they are all dropped when it ends. */
export class Timers {
  readonly #clock: Clock
  readonly #cancels = new Set<() => void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  arm(at: Instant, reached: () => void): void {
    const remaining = Math.max(0, at - this.#clock.now())
    const cancel = this.#clock.after(Math.min(remaining, LONGEST_MS), () => {
      this.#cancels.delete(cancel)
      if (remaining > LONGEST_MS) this.arm(at, reached)
      else reached()
    })
    this.#cancels.add(cancel)
  }

  clear(): void {
    for (const cancel of this.#cancels) cancel()
    this.#cancels.clear()
  }
}
