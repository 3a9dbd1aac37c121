import type { Clock } from '../core/clock.ts'
import { ParleyError } from '../core/errors/index.ts'

/** Timers of engines end at 2³¹ milliseconds, and then go off at once. */
const LONGEST_TIMER_MS = 86_400_000

/** Waits. Rejects with `interrupted` when the signal ends it. */
export function wait(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const interrupted = () => {
      cancel()
      reject(new ParleyError('interrupted'))
    }
    const cancel = clock.after(Math.min(ms, LONGEST_TIMER_MS), () => {
      signal.removeEventListener('abort', interrupted)
      if (ms <= LONGEST_TIMER_MS) return resolve()
      wait(clock, ms - LONGEST_TIMER_MS, signal).then(resolve, reject)
    })
    signal.addEventListener('abort', interrupted, { once: true })
    if (signal.aborted) interrupted()
  })
}

const FIRST_MS = 1_000

/**
 * Exponential back-off: waits are drawn from the upper half of a ceiling that doubles from a second to `maxMs`. Many
 * consumers that lose a registry at the same moment come back at different ones, and none of them at once.
 */
export class Backoff {
  readonly #random: () => number
  readonly #maxMs: number
  #ceilingMs = FIRST_MS

  constructor(random: () => number, maxMs: number) {
    this.#random = random
    this.#maxMs = Math.max(FIRST_MS, maxMs)
  }

  async wait(clock: Clock, signal: AbortSignal): Promise<void> {
    const ms = Math.round((this.#ceilingMs * (1 + this.#random())) / 2)
    this.#ceilingMs = Math.min(2 * this.#ceilingMs, this.#maxMs)
    await wait(clock, ms, signal)
  }

  reset(): void {
    this.#ceilingMs = FIRST_MS
  }
}
