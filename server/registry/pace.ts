const MINUTE_MS = 60_000

/** Lets each name act so many times a minute, and as often at once after a pause. Time is given, in milliseconds. */
export class Pace {
  readonly #perMinute: number
  readonly #left = new Map<string, { readonly actions: number; readonly at: number }>()

  constructor(perMinute: number) {
    this.#perMinute = perMinute
  }

  /** Whether `name` may act now; if so, it has. */
  take(name: string, now: number): boolean {
    const { actions, at } = this.#left.get(name) ?? { actions: this.#perMinute, at: now }
    const left = Math.min(this.#perMinute, actions + ((now - at) * this.#perMinute) / MINUTE_MS)
    this.#left.set(name, { actions: left < 1 ? left : left - 1, at: now })
    return left >= 1
  }
}
