import type { Clock } from '../../core/clock.ts'
import { ParleyError } from '../../core/errors/index.ts'

/** Ends a request when nothing comes for too long, or when whoever asked has no more use for it. */
export class Watchdog {
  readonly #clock: Clock
  readonly #controller = new AbortController()
  readonly #outer: AbortSignal
  readonly #ended = () => this.#abort(new ParleyError('interrupted'))
  #cancel = () => {}
  #reason: ParleyError | undefined

  constructor(clock: Clock, outer: AbortSignal) {
    this.#clock = clock
    this.#outer = outer
    outer.addEventListener('abort', this.#ended, { once: true })
    if (outer.aborted) this.#ended()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Why it ended the request: `session.idle` or `interrupted`; undefined when it did not. */
  get reason(): ParleyError | undefined {
    return this.#reason
  }

  /** Nothing need come for so many milliseconds from now. */
  feed(ms: number): void {
    this.#cancel()
    this.#cancel = this.#clock.after(ms, () =>
      this.#abort(new ParleyError('session.idle', `nothing came for ${ms} ms`)),
    )
  }

  /** Nothing is waited for. */
  rest(): void {
    this.#cancel()
  }

  /** Ends the request, whether it is done or not. */
  end(): void {
    this.#cancel()
    this.#outer.removeEventListener('abort', this.#ended)
    this.#controller.abort()
  }

  #abort(reason: ParleyError): void {
    this.#reason ??= reason
    this.end()
  }
}
