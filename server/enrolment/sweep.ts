import type { Clock } from '../../core/clock.ts'
import type { Enrolment } from './enrolment.ts'

/** A timer may not run for longer than about 24 days; nor need it. */
const LONGEST_MS = 24 * 3_600_000
/** A certificate that is made meanwhile ends no sooner than that. */
const SHORTEST_MS = 1_000

/** Ends sessions when the certificates of their clients do. */
export function sweepEnded(enrolment: Enrolment, clock: Clock): { readonly stop: () => void } {
  let cancel = () => {}
  const arm = () => {
    cancel()
    const next = (enrolment.nextEnd() ?? Number.POSITIVE_INFINITY) - clock.now()
    cancel = clock.after(Math.max(SHORTEST_MS, Math.min(LONGEST_MS, next)), () => {
      enrolment.sweep()
      arm()
    })
  }
  arm()
  enrolment.onChanged(arm)
  return {
    stop: () => {
      enrolment.onChanged(() => {})
      cancel()
    },
  }
}
