import type { Clock } from '../../core/clock.ts'

/** At most so often an alias is looked at, however many reports come. */
const APART_MS = 1_000
/** Where looking takes long, at most a twentieth of the time goes into it; a clock that jumps delays a look by a minute at most. */
const APART_TIMES = 20
const APART_MOST_MS = 60_000
/** Timers of Node.js go wrong beyond 24 days. */
const LONGEST_MS = 24 * 60 * 60 * 1000

type Looked = { next: number; running: boolean; again: boolean; cancel: () => void }

/** Looks at aliases when it is told to, one look at a time for each, and again when the last look says so. */
export class Watch {
  readonly #clock: Clock
  readonly #action: (model: string, alias: string) => Promise<number | undefined>
  readonly #aliases = new Map<string, Looked>()
  readonly #running = new Set<Promise<void>>()
  #stopped = false

  /** `action` never rejects; it returns in how many milliseconds to look again, if it is not told to before. */
  constructor(clock: Clock, action: (model: string, alias: string) => Promise<number | undefined>) {
    this.#clock = clock
    this.#action = action
  }

  look(model: string, alias: string): void {
    const key = `${model}\n${alias}`
    const one = this.#aliases.get(key) ?? {
      next: Number.NEGATIVE_INFINITY,
      running: false,
      again: false,
      cancel: () => {},
    }
    this.#aliases.set(key, one)
    if (this.#stopped) return
    if (one.running) {
      one.again = true
      return
    }
    one.cancel()
    const wait = one.next - this.#clock.monotonic()
    if (wait > 0) one.cancel = this.#clock.after(wait, () => this.#begin(one, model, alias))
    else this.#begin(one, model, alias)
  }

  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    for (const { cancel } of this.#aliases.values()) cancel()
    await this.settled()
  }

  #begin(one: Looked, model: string, alias: string): void {
    const looking = this.#look(one, model, alias)
    this.#running.add(looking)
    void looking.finally(() => this.#running.delete(looking))
  }

  async #look(one: Looked, model: string, alias: string): Promise<void> {
    one.running = true
    one.again = false
    const began = this.#clock.monotonic()
    const wait = await this.#action(model, alias)
    const now = this.#clock.monotonic()
    one.next = now + Math.min(APART_MOST_MS, Math.max(APART_MS, APART_TIMES * (now - began)))
    one.running = false
    if (this.#stopped) return
    if (one.again) this.look(model, alias)
    else if (wait !== undefined) {
      one.cancel = this.#clock.after(Math.min(wait, LONGEST_MS), () => this.look(model, alias))
    }
  }
}
