import type { Clock } from './clock.ts'

/** The clock of the machine. Only programs name it, to pass it in; nothing else in core/ reads time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, action) {
    const timer = setTimeout(action, ms)
    return () => clearTimeout(timer)
  },
}
