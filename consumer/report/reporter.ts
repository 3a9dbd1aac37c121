import { dsseBytes, type MessageSigner, signDsse } from '../../core/attestation/dsse.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { OUTCOMES_PAYLOAD_TYPE, outcomesPayload } from '../../core/rollout/outcomes.ts'
import type { VersionCache } from '../cache/version-cache.ts'
import type { ConsumerEvent } from '../events.ts'
import type { Reportable } from '../follow/ledger.ts'
import { sendReport } from '../http/outcomes.ts'
import type { HttpDeps } from '../http/request.ts'
import { consumerLimits } from '../limits.ts'
import type { OpenVersion } from '../version/open-version.ts'
import { Backoff, wait } from '../wait.ts'
import { Book, type KeptBook, MAX_WAITING, numberOf, requestsOf, type Waiting } from './book.ts'
import type { Answered, Truth } from './counts.ts'
import type { Reporting } from './reporting.ts'
import { type Reports, readState, writeState } from './state.ts'
import { afterRefusal } from './verdict.ts'

export type ReporterDeps = HttpDeps & {
  readonly reports: Reports
  readonly signer: MessageSigner
  readonly everyMs: number
  readonly random: () => number
  readonly cache: VersionCache
  readonly stateName: string
  readonly tell: (event: ConsumerEvent) => void
}

const ATTEMPTS = 2 * MAX_WAITING

/**
 * Counts what an application says of its answers, and reports it. Counting is a few additions; all that waits happens beside
 * it. Nothing here throws at the application but `send`.
 */
export class Reporter implements Reporting {
  readonly #deps: ReporterDeps
  readonly #controller = new AbortController()
  #kept: KeptBook | undefined
  #side: Reportable | undefined
  #book: Book | undefined
  #sending: Promise<void> = Promise.resolve()
  #loop: Promise<void> = Promise.resolve()
  #lastTrouble = ''
  #started = false

  constructor(deps: ReporterDeps) {
    this.#deps = deps
  }

  async load(): Promise<void> {
    this.#kept = await readState(this.#deps.cache, this.#deps.stateName)
  }

  /** What the newest record lets be reported. */
  belongs(side: Reportable | undefined): void {
    this.#side = side
    const book = this.#book
    const now = this.#deps.clock.now()
    if (book !== undefined && book.rollout === side?.rollout.id) {
      if (book.number === side.number) return
      const code = 'outcomes.other-side'
      return this.#dropped(book.rollout, book.move(side.number, now), code, 'this consumer gets the other version now')
    }
    if (book !== undefined) this.#dropped(book.rollout, book.unsent, 'outcomes.no-rollout', 'the rollout is over')
    this.#book = side === undefined ? undefined : new Book(side, now, this.#kept)
    this.#kept = undefined
  }

  answered(version: OpenVersion, how: Answered = {}): void {
    this.#countsOf(version)?.answered(how)
  }

  truth(version: OpenVersion, truth: Truth): void {
    this.#countsOf(version)?.truth(truth)
  }

  opinion(version: OpenVersion, good: boolean): void {
    this.#countsOf(version)?.opinion(good)
  }

  async send(): Promise<void> {
    await this.#send(this.#controller.signal)
  }

  /** Reports from now on. */
  start(): void {
    this.#started = true
    this.#loop = this.#forEver(this.#controller.signal).catch(() => {})
  }

  /** Tries once to send what is left, for some seconds; what is not taken by then is kept signed. */
  async close(): Promise<void> {
    if (this.#controller.signal.aborted) return this.#loop
    this.#controller.abort()
    await this.#loop
    // An application that never got a version has nothing to say, and is not kept waiting.
    if (!this.#started) return
    const closing = new AbortController()
    const cancel = this.#deps.clock.after(consumerLimits.closingMs, () => closing.abort())
    await this.#send(closing.signal).catch(() => {})
    cancel()
    await this.#keepRest().catch(() => {})
  }

  /** The version says what is counted, not which one is in use now: answers of another are nobody's here. */
  #countsOf({ model, root }: OpenVersion) {
    return model === this.#deps.reports.model && root === this.#side?.root ? this.#book?.counts : undefined
  }

  async #forEver(signal: AbortSignal): Promise<void> {
    const { clock, random, everyMs } = this.#deps
    const backoff = new Backoff(random, Math.max(everyMs, consumerLimits.backoffMs))
    let due = this.#book !== undefined && this.#book.waiting.length > 0
    for (;;) {
      // Spread by a tenth, so that consumers that were started together do not report together for ever.
      if (!due) await wait(clock, Math.round(everyMs * (0.9 + 0.2 * random())), signal)
      due = await this.#send(signal).then(
        () => false,
        () => true,
      )
      if (due) await backoff.wait(clock, signal)
      else backoff.reset()
    }
  }

  /** One report after the other. */
  #send(signal: AbortSignal): Promise<void> {
    const done = this.#sending.then(() => this.#sendAll(signal))
    this.#sending = done.catch(() => {})
    return done
  }

  async #sendAll(signal: AbortSignal): Promise<void> {
    const book = this.#book
    if (book === undefined) return
    // A registry that names another number each time must not keep us at it.
    let left = ATTEMPTS
    const deliverAll = async () => {
      while (book.waiting.length > 0 && book === this.#book && left-- > 0) await this.#deliver(book, signal)
    }
    await deliverAll()
    if (book !== this.#book) return
    book.cut(this.#deps.reports, this.#deps.clock.now())
    await deliverAll()
  }

  /** Sends the first report once. Throws what is worth another attempt. */
  async #deliver(book: Book, signal: AbortSignal): Promise<void> {
    const first = book.first()
    if (first === undefined) return
    try {
      const envelope = await this.#signed(first)
      await this.#keep(book)
      if (signal.aborted) throw new ParleyError('interrupted')
      await sendReport(this.#deps, this.#deps.reports.model, envelope, signal)
    } catch (failure) {
      this.#refused(book, first, ParleyError.from(failure))
      await this.#keep(book)
      return
    }
    book.taken()
    await this.#keep(book)
    this.#lastTrouble = ''
    const { rollout, sequence } = first.report
    const requests = requestsOf(first.report)
    this.#deps.tell({ type: 'reported', rollout, sequence, number: numberOf(first.report), requests })
  }

  /** Throws the failure where the report stays as it is. */
  #refused(book: Book, waiting: Waiting, failure: ParleyError): void {
    const verdict = afterRefusal(waiting, failure)
    const { code, message } = failure
    switch (verdict.do) {
      case 'wait':
        if (!code.startsWith('outcomes.') && waiting.envelope !== undefined) waiting.uncertain = true
        if (code !== this.#lastTrouble && code !== 'interrupted') {
          this.#deps.tell({ type: 'unsent', code, reason: message })
        }
        this.#lastTrouble = code
        throw failure
      case 'renumber':
        waiting.uncertain = false
        return book.adopt(verdict.last)
      case 'drop':
        book.waiting.shift()
        if (verdict.last !== undefined) book.adopt(verdict.last)
        this.#dropped(book.rollout, requestsOf(waiting.report), code, message)
    }
  }

  async #signed(waiting: Waiting): Promise<Uint8Array<ArrayBuffer>> {
    const { signer } = this.#deps
    waiting.envelope ??= Uint8Array.from(
      dsseBytes(await signDsse(signer, OUTCOMES_PAYLOAD_TYPE, outcomesPayload(waiting.report))),
    )
    return waiting.envelope
  }

  async #keep(book: Book): Promise<void> {
    if (book === this.#book) await writeState(this.#deps.cache, this.#deps.stateName, book.kept)
  }

  async #keepRest(): Promise<void> {
    const book = this.#book
    if (book === undefined) return
    book.cut(this.#deps.reports, this.#deps.clock.now())
    for (const waiting of book.waiting) await this.#signed(waiting)
    if (book.waiting.length > 0) await this.#keep(book)
  }

  #dropped(rollout: string, requests: number, code: ParleyError['code'], reason: string): void {
    if (requests > 0) this.#deps.tell({ type: 'dropped', rollout, requests, code, reason })
  }
}
