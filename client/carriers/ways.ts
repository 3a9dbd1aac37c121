import type { Clock } from '../../core/clock.ts'

/** For how long the way that got through is taken first, before the preferred one is tried again. */
const REMEMBERED_MS = 30 * 60_000

/**
 * Ways to the coordinator, the preferred one first, and which of them to take: after a failure the next; where a later one got
 * through, that one for half an hour, so that a carrier which something on the way breaks is not waited for at every connection.
 * A session that stands is never given up for another way.
 */
export class Ways<Way> {
  readonly #ways: readonly Way[]
  readonly #clock: Pick<Clock, 'monotonic'>
  #index = 0
  #remembered: { readonly index: number; readonly until: number } | undefined

  constructor(ways: readonly Way[], clock: Pick<Clock, 'monotonic'>) {
    this.#ways = ways
    this.#clock = clock
  }

  /** The way to take now; undefined where there is none at all. */
  next(): Way | undefined {
    if (this.#remembered !== undefined && this.#clock.monotonic() >= this.#remembered.until) {
      this.#remembered = undefined
      this.#index = 0
    }
    return this.#ways[this.#index]
  }

  /** The coordinator was met on the way that `next` gave. */
  gotThrough(): void {
    if (this.#index === 0) this.#remembered = undefined
    else if (this.#remembered?.index !== this.#index) {
      this.#remembered = { index: this.#index, until: this.#clock.monotonic() + REMEMBERED_MS }
    }
  }

  /** It failed: another may get through. */
  failed(): void {
    this.#index = (this.#index + 1) % this.#ways.length
  }
}
