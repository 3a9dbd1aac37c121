import type { Clock } from '../../core/clock.ts'
import type { EnrolmentAnswer } from '../../core/enrolment/messages.ts'
import { ParleyError } from '../../core/errors/index.ts'

export type RenewingOptions = {
  readonly clock: Clock
  /** When the present certificate began and ends, in milliseconds since the epoch. */
  readonly certificate: { readonly from: number; readonly until: number }
  readonly renew: () => Promise<EnrolmentAnswer>
  /** Keeps the new certificate. */
  readonly keep: (answer: Extract<EnrolmentAnswer, { state: 'active' }>) => Promise<void>
  readonly onFailed?: (error: ParleyError) => void
}

/** A timer may not run for longer than about 24 days. */
const LONGEST_MS = 24 * 3_600_000

/**
 * Renews a certificate when two thirds of its time are over, over and over: a failure is tried again after a twentieth of what is left,
 * at least ten seconds. Sessions know nothing of it.
 */
export function keepRenewing({ clock, certificate, renew, keep, onFailed }: RenewingOptions): {
  readonly stop: () => void
} {
  let cancel = () => {}
  let stopped = false
  let { from, until } = certificate
  const at = (time: number) => {
    if (stopped) return
    cancel = clock.after(Math.min(LONGEST_MS, Math.max(0, time - clock.now())), () => {
      if (clock.now() < time) at(time)
      else void attempt()
    })
  }
  const due = () => from + ((until - from) * 2) / 3
  const attempt = async () => {
    try {
      const began = clock.now()
      const answer = await renew()
      if (answer.state !== 'active') throw new ParleyError('enrolment.state', 'this client waits for approval')
      await keep(answer)
      from = began
      until = Date.parse(answer.notAfter)
      at(due())
    } catch (failure) {
      onFailed?.(ParleyError.from(failure))
      at(clock.now() + Math.max(10_000, (until - clock.now()) / 20))
    }
  }
  at(due())
  return {
    stop: () => {
      stopped = true
      cancel()
    },
  }
}
