import { ParleyError } from '../../core/errors/index.ts'
import { forgiving } from '../cache/forgiving.ts'
import { Keeper } from '../cache/keeper.ts'
import { Changes } from '../changes.ts'
import { type ConsumerEvent, type EventListener, Listeners } from '../events.ts'
import { Registry } from '../http/registry.ts'
import type { Settings } from '../options.ts'
import { documentOf, type Reference } from '../reference.ts'
import { Reporter } from '../report/reporter.ts'
import { type Reporting, silent } from '../report/reporting.ts'
import { stateName } from '../report/state.ts'
import type { OpenVersion } from '../version/open-version.ts'
import { Expiry } from './expiry.ts'
import type { Followed } from './followed.ts'
import { type Goal, Ledger } from './ledger.ts'
import { listen } from './listen.ts'
import { Poller } from './poller.ts'
import { Switcher, withdrawn } from './switcher.ts'

export class Follower implements Followed {
  readonly changes = new Changes<OpenVersion>()
  readonly #settings: Settings
  readonly #reference: Reference
  readonly #listeners = new Listeners()
  readonly #controller = new AbortController()
  readonly #registry: Registry
  readonly #ledger: Ledger
  readonly #keeper: Keeper
  readonly #switcher: Switcher
  readonly #poller: Poller
  readonly #expiry: Expiry
  readonly #reporter: Reporter | undefined
  #listening: Promise<void> = Promise.resolve()
  #inbox: Promise<unknown> = Promise.resolve()
  #blocked: ParleyError | undefined
  #lastRefusal = ''

  constructor(settings: Settings, reference: Reference) {
    const { model } = reference
    const alias = 'alias' in reference ? reference.alias : undefined
    const cache = forgiving(settings.cache, (failure) => this.#refused(failure))
    this.#settings = { ...settings, cache }
    this.#reference = reference
    this.#registry = new Registry(settings, model)
    this.#ledger = new Ledger(settings, model, alias ?? '')
    this.#keeper = new Keeper(cache, documentOf(reference), (a, b) => this.#ledger.later(a, b))
    this.#switcher = new Switcher({
      model,
      settings: this.#settings,
      registry: this.#registry,
      keeper: this.#keeper,
      tell: (event) => this.#tell(event),
      isWithdrawn: (number) => this.#ledger.withdrawals.has(number),
      onSwitch: (version) => {
        this.#blocked = undefined
        this.changes.push(version)
      },
      persistent: alias !== undefined && settings.follow !== 'none',
    })
    this.#poller = new Poller({
      registry: this.#registry,
      alias,
      tell: (event) => this.#tell(event),
      onWithdrawn: (numbers, all) => this.#onWithdrawn(numbers, all),
      onRecord: (envelope) => this.#onRecord(envelope),
      onUnchanged: async () => this.#pursue(),
    })
    this.#reporter = this.#reporterOf(alias)
    this.#expiry = new Expiry({
      clock: settings.clock,
      everyMs: settings.pollMs,
      expires: () => this.#ledger.expires,
      ask: async () => {
        if (settings.follow !== 'none') await this.#poller.poll(this.#controller.signal)
      },
      tell: (event) => this.#tell(event),
    })
  }

  get current(): OpenVersion {
    if (this.#blocked !== undefined) throw this.#blocked
    const { current } = this.#switcher
    if (current === undefined) throw new ParleyError('object.not-found', 'no version was opened')
    const stale = this.#settings.whenStale === 'refuse' ? this.#expiry.since : undefined
    if (stale !== undefined) throw expired(stale)
    return current
  }

  get outcomes(): Reporting {
    return this.#reporter ?? silent
  }

  onEvent(listener: EventListener): () => void {
    return this.#listeners.add(listener)
  }

  /** Gets the first version. Rejects, with everything ended, when there is none to be had. */
  async start(): Promise<void> {
    try {
      await this.#keeper.load()
      await this.#ledger.restore(this.#keeper)
      await this.#reporter?.load()
      this.#reporter?.belongs(this.#ledger.reportable())
      await this.#first()
      if (this.#settings.whenStale === 'serve') this.#expiry.check()
      void this.current
    } catch (failure) {
      await this.close()
      throw failure
    }
    this.#expiry.arm()
    this.#reporter?.start()
    if ('alias' in this.#reference) this.#listen(this.#reference.alias)
  }

  async refresh(): Promise<OpenVersion> {
    await this.#poller.poll(this.#controller.signal)
    this.#pursue(true)
    await this.#switcher.settled()
    if (this.#controller.signal.aborted) throw new ParleyError('interrupted')
    return this.current
  }

  async close(): Promise<void> {
    this.#controller.abort()
    this.#expiry.stop()
    this.#switcher.stop()
    this.changes.end()
    await this.#reporter?.close()
    await this.#listening
    // Who removes the cache's folder now must not find a file coming into it.
    await this.#keeper.idle()
  }

  async #first(): Promise<void> {
    const { signal } = this.#controller
    const failure = await this.#poller.poll(signal).then(
      () => undefined,
      (thrown: unknown) => ParleyError.from(thrown),
    )
    if (signal.aborted) throw new ParleyError('interrupted')
    const since = this.#settings.whenStale === 'refuse' ? this.#expiry.since : undefined
    if (since !== undefined) throw failure ?? expired(since)
    const goal = this.#goal()
    if (goal !== undefined && failure?.entry.retryable !== true) {
      this.#switcher.aim(goal)
      const missed = await this.#switcher.settled().then(
        () => undefined,
        (thrown: unknown) => ParleyError.from(thrown),
      )
      if (signal.aborted) throw new ParleyError('interrupted')
      if (missed === undefined || (await this.#fallBack(goal))) return
      throw failure ?? missed
    }
    if (!(await this.#fallBack(goal))) {
      const pinned = 'number' in this.#reference ? withdrawn(this.#reference.number) : undefined
      throw goal === undefined && pinned !== undefined ? pinned : (failure ?? new ParleyError('object.not-found'))
    }
    // The version that was meant last may never have come.
    if (goal !== undefined) this.#switcher.aim(goal)
  }

  #reporterOf(alias: string | undefined): Reporter | undefined {
    const { report, crypto, url, fetch, clock, random, cache } = this.#settings
    if (report === undefined || alias === undefined) return undefined
    const { signer, everyMs, consumer } = report
    const reports = { model: this.#reference.model, alias, consumer }
    return new Reporter({
      ...{ url, fetch, clock, random, cache, signer, everyMs, reports },
      stateName: stateName(crypto, reports),
      tell: (event) => this.#tell(event),
    })
  }

  /** A version from the cache alone: the one that is meant, if it is there, or what was in use last. */
  #fallBack(goal?: Goal): Promise<boolean> {
    const { current, previous } = this.#keeper.known
    const meant = [current, previous].find((kept) => kept?.root === goal?.target.root)
    return this.#switcher.fallBack([meant, current, previous], this.#controller.signal)
  }

  #listen(alias: string): void {
    this.#listening = listen(
      {
        settings: this.#settings,
        registry: this.#registry,
        poller: this.#poller,
        alias,
        onRecord: (envelope) => this.#onRecord(envelope),
        onWithdrawn: (numbers, all) => this.#onWithdrawn(numbers, all),
      },
      this.#controller.signal,
    ).catch((failure: unknown) => this.#refused(failure))
  }

  /** One record or withdrawal after the other, whichever way they came. */
  #orderly<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#inbox.then(work)
    this.#inbox = done.catch(() => {})
    return done
  }

  #onRecord(envelope: Uint8Array): Promise<void> {
    return this.#orderly(async () => {
      try {
        const { fresh, missed } = await this.#ledger.take(envelope, this.#keeper)
        this.#expiry.renewed()
        this.#reporter?.belongs(this.#ledger.reportable())
        const goal = this.#goal()
        if (fresh && goal !== undefined) this.#following(goal, missed)
      } catch (failure) {
        this.#refused(failure)
        throw failure
      }
      this.#pursue()
    })
  }

  #following({ target, why }: Goal, missed: number): void {
    const { number, root = '' } = target
    const { sequence = 0 } = this.#ledger
    this.#tell({ type: 'following', sequence, number, root, why, missed })
  }

  /** `all`: these are all that there are; otherwise they are some more. */
  #onWithdrawn(numbers: readonly number[], all: boolean): Promise<void> {
    return this.#orderly(async () => {
      const { withdrawals } = this.#ledger
      const news = all ? withdrawals.list(numbers) : withdrawals.add(numbers)
      const over = all && 'number' in this.#reference && withdrawals.keepListed()
      if (!news && !over) return
      // At once: what is being verified might come into use meanwhile.
      this.#pursue()
      await this.#keeper.saveWithdrawn(withdrawals.all)
      const { current } = this.#switcher
      if (current !== undefined && withdrawals.has(current.number)) void this.#leave(current)
    })
  }

  /** The version in use was withdrawn: another takes its place, or none. */
  async #leave(version: OpenVersion): Promise<void> {
    const failure = withdrawn(version.number)
    this.#refused(failure)
    if (this.#goal() !== undefined) await this.#switcher.settled().catch(() => {})
    const left = () => this.#switcher.current?.root !== version.root
    if (left() || (await this.#fallBack()) || left()) return
    this.#blocked = failure
  }

  #goal(): Goal | undefined {
    const reference = this.#reference
    if ('alias' in reference) return this.#ledger.goal()
    const { model, number } = reference
    const why = 'pinned'
    return this.#ledger.withdrawals.has(number) ? undefined : { target: { model, number, root: undefined }, why }
  }

  #pursue(again = false): void {
    const goal = this.#goal()
    if (goal === undefined) this.#switcher.stop()
    else this.#switcher.aim(goal, again)
  }

  #refused(failure: unknown): void {
    const { code, message } = ParleyError.from(failure)
    this.#tell({ type: 'refused', code, reason: message })
  }

  /** The same refusal again and again, poll by poll, is told once, until something goes well. */
  #tell(event: ConsumerEvent): void {
    if (event.type === 'refused') {
      if (event.reason === this.#lastRefusal) return
      this.#lastRefusal = event.reason
    }
    if (event.type === 'following' || event.type === 'switched' || event.type === 'back') this.#lastRefusal = ''
    this.#listeners.tell(event)
  }
}

function expired(since: number): ParleyError {
  const time = new Date(since).toISOString()
  return new ParleyError('verify.failed', `the record of the alias expired at ${time}`, {
    details: { refusal: 'expired' },
  })
}
