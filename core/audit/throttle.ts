/** Records of one kind in a minute that whoever has no rights can cause. */
const MOST = 60
const WINDOW_MS = 60_000

type Window = { since: number; taken: number; dropped: number }

/**
 * Keeps those who may cause records by being refused from filling the disk: after so many of one kind in a minute they are
 * counted, and the number stands in the next record. Whoever names kinds bounds how many there are.
 */
export class Throttle {
  readonly #windows = new Map<string, Window>()

  /** How many were left out since the last one that was recorded, or undefined: this one is left out too. */
  take(kind: string, now: number): number | undefined {
    const window = this.#windows.get(kind) ?? { since: now, taken: 0, dropped: 0 }
    this.#windows.set(kind, window)
    if (now - window.since >= WINDOW_MS) Object.assign(window, { since: now, taken: 0 })
    if (window.taken >= MOST) {
      window.dropped++
      return undefined
    }
    window.taken++
    const { dropped } = window
    window.dropped = 0
    return dropped
  }
}
