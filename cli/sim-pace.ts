import { systemClock } from '../core/system-clock.ts'
import type { Output } from './output.ts'

/** Seconds without a line after which there is one all the same, and how many more each time. */
const PATIENCE = 2
const MOST_PATIENCE = 60

/** How long the work has been going on, and a line where it has long been silent. */
export class Pace {
  readonly #output: Output
  #words: () => string
  #started = systemClock.monotonic()
  #heard = systemClock.monotonic()
  #patience = PATIENCE
  #cancel: () => void = () => {}

  constructor(output: Output, words: () => string) {
    this.#output = output
    this.#words = words
    this.#wait()
  }

  /** From now on time counts. */
  begin(words: () => string): void {
    this.#started = systemClock.monotonic()
    this.heard(words)
  }

  /** A line was written. */
  heard(words: () => string = this.#words): void {
    this.#words = words
    this.#heard = systemClock.monotonic()
    this.#patience = PATIENCE
    this.#wait()
  }

  /** What to say next. */
  know(words: () => string): void {
    this.#words = words
  }

  /** Seconds that the rest takes at the pace so far; undefined before anything is done, and at the end. */
  left(done: number, of: number): number | undefined {
    if (done <= 0 || done >= of) return undefined
    const seconds = (((systemClock.monotonic() - this.#started) / done) * (of - done)) / 1000
    return Number(seconds.toPrecision(2))
  }

  end(): void {
    this.#cancel()
  }

  #wait(): void {
    this.#cancel()
    this.#cancel = systemClock.after(1000 * this.#patience, () => {
      const seconds = Math.round((systemClock.monotonic() - this.#heard) / 1000)
      const words = this.#words()
      this.#output.event({ event: 'waiting', words, seconds }, `  ${words} (${seconds} s)`)
      this.#patience = Math.min(MOST_PATIENCE, 2 * this.#patience)
      this.#wait()
    })
  }
}
