import type { Clock } from '../../../core/clock.ts'
import type { Logger } from '../logger.ts'
import type { Metrics } from '../metrics.ts'
import type { Notice, Severity } from './alert.ts'

/** A way to somebody. */
export interface Sink {
  readonly name: string
  readonly kind: 'webhook' | 'email'
  readonly minSeverity: Severity
  /** How long one attempt may take, in ms. */
  readonly timeoutMs: number
  /** Resolves when the notice was taken. Rejects with a `PermanentFailure` where trying again is of no use. */
  send(notice: Notice, signal: AbortSignal): Promise<void>
  close?(): void
}

/** It will not work the next time either. */
export class PermanentFailure extends Error {}

export type DeliveryDeps = {
  readonly clock: Clock
  readonly logger: Pick<Logger, 'warn' | 'info'>
  readonly metrics: Metrics
  /** A number from 0 up to 1, a new one each time. */
  readonly random: () => number
}

const QUEUE = 200
const ATTEMPTS = 10
const FIRST_MS = 1_000
const MOST_MS = 5 * 60 * 1_000

/**
 * Sends notices to one sink, one after the other, beside everything else. An attempt that fails is made again after a wait
 * drawn from 0 to a ceiling that doubles; beyond a number of waiting notices the oldest is dropped.
 */
export class Delivery {
  readonly #sink: Sink
  readonly #deps: DeliveryDeps
  readonly #queue: Notice[] = []
  #working: Promise<void> | undefined
  #ending = false
  #endWait = () => {}
  #abort = () => {}

  constructor(sink: Sink, deps: DeliveryDeps) {
    this.#sink = sink
    this.#deps = deps
  }

  /** Returns at once. */
  take(notice: Notice): void {
    if (this.#ending) return
    if (this.#sink.minSeverity === 'critical' && notice.severity !== 'critical') return
    this.#queue.push(notice)
    // The first may be under way.
    if (this.#queue.length > QUEUE) this.#done('dropped', this.#queue.splice(1, 1)[0])
    this.#work()
  }

  /** Makes one last attempt with what waits, for at most `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#ending = true
    const cancel = this.#deps.clock.after(graceMs, () => {
      this.#queue.splice(1)
      this.#abort()
    })
    this.#endWait()
    await this.#working
    cancel()
    this.#sink.close?.()
  }

  #work(): void {
    this.#working ??= this.#drain().finally(() => {
      this.#working = undefined
      if (this.#queue.length > 0) this.#work()
    })
  }

  async #drain(): Promise<void> {
    for (let notice = this.#queue[0]; notice !== undefined; notice = this.#queue[0]) {
      const outcome = await this.#deliver(notice)
      this.#queue.shift()
      this.#done(outcome, notice)
    }
  }

  async #deliver(notice: Notice): Promise<'sent' | 'failed'> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      try {
        await this.#attempt(notice)
        return 'sent'
      } catch (err) {
        const { name } = this.#sink
        this.#deps.logger.warn({ err, sink: name, alert: notice.alert, attempt }, 'an alert could not be sent')
        if (this.#ending || err instanceof PermanentFailure) return 'failed'
      }
      await this.#wait(this.#deps.random() * Math.min(MOST_MS, FIRST_MS * 2 ** attempt))
    }
    return 'failed'
  }

  async #attempt(notice: Notice): Promise<void> {
    const ended = new AbortController()
    const why = new Error('it took too long')
    const late = new Promise<never>((_resolve, reject) => {
      this.#abort = () => {
        ended.abort(why)
        reject(why)
      }
    })
    late.catch(() => {})
    const cancel = this.#deps.clock.after(this.#sink.timeoutMs, this.#abort)
    try {
      // A sink that does not heed the signal must not hold up the others.
      await Promise.race([this.#sink.send(notice, ended.signal), late])
    } finally {
      cancel()
      this.#abort = () => {}
    }
  }

  #wait(ms: number): Promise<void> {
    if (this.#ending) return Promise.resolve()
    return new Promise((resolve) => {
      const cancel = this.#deps.clock.after(ms, resolve)
      this.#endWait = () => {
        cancel()
        resolve()
      }
    })
  }

  #done(outcome: 'sent' | 'failed' | 'dropped', notice: Notice | undefined): void {
    const { kind, name } = this.#sink
    this.#deps.metrics.add('alertNotices', { sink: kind, outcome })
    if (outcome !== 'sent')
      this.#deps.logger.warn({ sink: name, alert: notice?.alert, outcome }, 'an alert was not sent')
  }
}
