import type { Clock } from '../../core/clock.ts'
import { listingOf, type RunListing } from '../../core/run/listing.ts'
import type { RunView } from '../../core/run/view.ts'

/** Lists of runs are sent at most so often: a round with many clients changes all the time. */
const EVERY_MS = 1_000

/** All runs as a list has them, then those that differ from what was sent last. */
export async function* changedListings(
  views: AsyncIterable<readonly RunView[]>,
  clock: Pick<Clock, 'after'>,
  signal: AbortSignal,
): AsyncGenerator<{ readonly runs: readonly RunListing[] }> {
  const sent = new Map<string, string>()
  let first = true
  for await (const all of views) {
    const runs: RunListing[] = []
    for (const view of all) {
      const listing = listingOf(view)
      const text = JSON.stringify(listing)
      if (sent.get(listing.run) === text) continue
      sent.set(listing.run, text)
      runs.push(listing)
    }
    if (runs.length === 0 && !first) continue
    first = false
    yield { runs }
    await pause(clock, signal)
  }
}

function pause(clock: Pick<Clock, 'after'>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      cancel()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const cancel = clock.after(EVERY_MS, done)
    signal.addEventListener('abort', done)
    if (signal.aborted) done()
  })
}
