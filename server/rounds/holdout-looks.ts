import type { Journal, Records } from '../store/ports.ts'
import type { RunEvent } from './event.ts'

/**
 * How often candidates of each model were evaluated on the same rows of the coordinator's, over all its runs. The journals hold every
 * look that came to anything; they are read once for each model, and what this process does is added.
 */
export class HoldoutLooks {
  readonly #store: { readonly records: Pick<Records, 'runs'>; readonly journal: Pick<Journal, 'read'> }
  readonly #known = new Map<string, Promise<Map<string, number>>>()

  constructor(store: { readonly records: Pick<Records, 'runs'>; readonly journal: Pick<Journal, 'read'> }) {
    this.#store = store
  }

  async used(model: string, sha256: string): Promise<number> {
    return (await this.#of(model)).get(sha256) ?? 0
  }

  /** The number of the look that begins now. It counts even if nothing comes of it, until the process ends. */
  async next(model: string, sha256: string): Promise<number> {
    const counts = await this.#of(model)
    const look = (counts.get(sha256) ?? 0) + 1
    counts.set(sha256, look)
    return look
  }

  #of(model: string): Promise<Map<string, number>> {
    const known = this.#known.get(model)
    if (known !== undefined) return known
    const counts = this.#read(model)
    this.#known.set(model, counts)
    counts.catch(() => this.#known.delete(model))
    return counts
  }

  async #read(model: string): Promise<Map<string, number>> {
    const counts = new Map<string, number>()
    for (const run of await this.#store.records.runs()) {
      if (run.model !== model) continue
      for (const sha256 of looksIn(await this.#store.journal.read(run.id))) {
        counts.set(sha256, (counts.get(sha256) ?? 0) + 1)
      }
    }
    return counts
  }
}

/** The digests of the rows that a run's rounds were evaluated on. */
function looksIn(entries: readonly string[]): string[] {
  return entries.flatMap((entry) => {
    // Most events are long, and are none of these.
    if (!entry.includes('"holdout":')) return []
    const event = JSON.parse(entry) as RunEvent
    if (event.type !== 'aggregated' || event.holdout === undefined || 'failure' in event.holdout) return []
    return [event.holdout.sha256]
  })
}
