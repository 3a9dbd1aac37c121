import type { Journal } from '../store/ports.ts'
import type { Metrics } from './metrics.ts'

/** A journal whose appends are timed. `monotonic` is in milliseconds. */
export function measuredJournal(journal: Journal, metrics: Metrics, monotonic: () => number): Journal {
  return {
    async append(run, sequence, entry) {
      const started = monotonic()
      await journal.append(run, sequence, entry)
      metrics.observe('journalAppendSeconds', {}, (monotonic() - started) / 1_000)
    },
    read: (run) => journal.read(run),
  }
}
