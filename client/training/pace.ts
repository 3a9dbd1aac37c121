import { setImmediate } from 'node:timers/promises'
import { ParleyError } from '../../core/errors/index.ts'

/** Longest time in ms that training holds the event loop, so that heartbeats go on. A single step may be longer. */
const SLICE_MS = 25

/**
 * Called between steps: lets the event loop run when the slice is used up, and fails with `interrupted` when the signal
 * fires.
 */
export function createPace(
  signal: AbortSignal,
  now: () => number = () => performance.now(),
): () => Promise<void> | void {
  let since = now()
  const check = () => {
    if (signal.aborted) throw new ParleyError('interrupted', 'training was interrupted', { cause: signal.reason })
  }
  return () => {
    check()
    if (now() - since < SLICE_MS) return undefined
    return setImmediate().then(() => {
      since = now()
      check()
    })
  }
}
