import type { Clock } from '../../core/clock.ts'
import type { ConsumerEvent } from '../events.ts'
import { wait } from '../wait.ts'

export type ExpiryDeps = {
  readonly clock: Clock
  /** How often a newer record is asked for when there was none, in milliseconds. */
  readonly everyMs: number
  /** When the last record expires; undefined before there is one. */
  readonly expires: () => number | undefined
  readonly ask: () => Promise<void>
  readonly tell: (event: ConsumerEvent) => void
}

/** Watches the end of the last record: asks for a newer one then, and says when there is none and when there is one again. */
export class Expiry {
  readonly #deps: ExpiryDeps
  #stale = false
  #timer = new AbortController()
  #stopped = false

  constructor(deps: ExpiryDeps) {
    this.#deps = deps
  }

  /** When the record expired, if it has. */
  get since(): number | undefined {
    const expires = this.#deps.expires()
    return expires !== undefined && this.#deps.clock.now() >= expires ? expires : undefined
  }

  /** Says that the record is stale, if it is, once. */
  check(): void {
    const { since } = this
    if (since === undefined || this.#stale) return
    this.#stale = true
    this.#deps.tell({ type: 'stale', since })
  }

  /** There is a record that holds. */
  renewed(): void {
    this.arm()
    if (!this.#stale) return
    this.#stale = false
    this.#deps.tell({ type: 'back' })
  }

  /** Waits for the end of the last record from now on. */
  arm(): void {
    this.#timer.abort()
    const expires = this.#deps.expires()
    if (expires === undefined || this.#stopped) return
    const timer = new AbortController()
    this.#timer = timer
    const first = Math.max(expires - this.#deps.clock.now(), this.#stale ? this.#deps.everyMs : 0)
    // It ends with its timer.
    this.#watch(first, timer.signal).catch(() => {})
  }

  stop(): void {
    this.#stopped = true
    this.#timer.abort()
  }

  async #watch(firstMs: number, signal: AbortSignal): Promise<void> {
    for (let ms = firstMs; ; ms = this.#deps.everyMs) {
      await wait(this.#deps.clock, ms, signal)
      // What went wrong has been told of by whoever asked.
      await this.#deps.ask().catch(() => {})
      if (signal.aborted) return
      this.check()
    }
  }
}
