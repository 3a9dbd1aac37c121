import type { Clock } from '../../core/clock.ts'

type Timer = { readonly at: number; readonly ms: number; readonly action: () => void }

/** Time that goes on only when a test says so. */
export class ManualClock implements Clock {
  #now: number
  readonly #timers = new Set<Timer>()
  readonly #waiting = new Set<{ readonly ms: number; readonly found: () => void }>()

  constructor(now = Date.UTC(2026, 0, 1)) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  monotonic(): number {
    return this.#now
  }

  after(ms: number, action: () => void): () => void {
    const timer = { at: this.#now + ms, ms, action }
    this.#timers.add(timer)
    for (const one of this.#waiting) if (one.ms === ms) one.found()
    return () => void this.#timers.delete(timer)
  }

  /** Resolves when somebody waits for exactly so many milliseconds. */
  timer(ms: number): Promise<void> {
    if ([...this.#timers].some((timer) => timer.ms === ms)) return Promise.resolve()
    return new Promise((resolve) => {
      const one = {
        ms,
        found: () => {
          this.#waiting.delete(one)
          resolve()
        },
      }
      this.#waiting.add(one)
    })
  }

  advance(ms: number): void {
    const end = this.#now + ms
    for (;;) {
      const [next] = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)
      if (next === undefined) break
      this.#timers.delete(next)
      this.#now = Math.max(this.#now, next.at)
      next.action()
    }
    this.#now = end
  }

  /** Waits for the timer, and lets it go off. */
  async pass(ms: number): Promise<void> {
    await this.timer(ms)
    this.advance(ms)
  }

  get timers(): number {
    return this.#timers.size
  }
}
