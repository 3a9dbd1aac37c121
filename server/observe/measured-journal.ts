import type { Journal } from '../store/ports.ts'
import type { Metrics } from './metrics.ts'

/** A journal whose appends are timed. `monotonic` is in milliseconds. `failed` is told of what was not written. */
export function measuredJournal(
  journal: Journal,
  metrics: Metrics,
  monotonic: () => number,
  failed: (error: unknown) => void = () => {},
): Journal {
  return {
    async append(run, sequence, entry) {
      const started = monotonic()
      await journal.append(run, sequence, entry).catch((failure: unknown) => {
        failed(failure)
        throw failure
      })
      metrics.observe('journalAppendSeconds', {}, (monotonic() - started) / 1_000)
    },
    read: (run) => journal.read(run),
  }
}
