import type { RunView } from '../../core/run/view.ts'
import type { CoordinatorObserver } from './coordinator-observer.ts'

/** Runs that are not over, the newest last, and those that ended lately. */
export class ActiveRuns {
  readonly #active = new Set<string>()
  readonly #ended = new Map<string, number>()
  readonly #now: () => number
  readonly #keepMs: number

  /** `keepMs`: how long an ended run is among `recent`. */
  constructor(now: () => number, keepMs: number) {
    this.#now = now
    this.#keepMs = keepMs
  }

  readonly observer: Pick<CoordinatorObserver, 'runStarted' | 'runEnded'> = {
    runStarted: ({ run }) => void this.#active.add(run),
    runEnded: ({ run }) => {
      this.#active.delete(run)
      this.#ended.set(run, this.#now())
    },
  }

  /** Views of the runs that are not over, the newest first. */
  active(view: (run: string) => Promise<RunView>): Promise<RunView[]> {
    return Promise.all([...this.#active].reverse().map(view))
  }

  /** The same, and those that ended within `keepMs`. */
  recent(view: (run: string) => Promise<RunView>): Promise<RunView[]> {
    for (const [run, at] of this.#ended) if (this.#now() - at > this.#keepMs) this.#ended.delete(run)
    return Promise.all([...this.#active, ...this.#ended.keys()].reverse().map(view))
  }
}
