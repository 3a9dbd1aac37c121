import type { Clock } from '../../../core/clock.ts'
import type { RunView } from '../../../core/run/view.ts'
import type { StoreRoom } from '../../store/ports.ts'
import { ActiveRuns } from '../active-runs.ts'
import type { Told } from '../coordinator-observer.ts'
import type { CertificateEnd } from '../gauges.ts'
import type { Logger } from '../logger.ts'
import type { Metrics } from '../metrics.ts'
import { type AlertsView, alertNames, type Notice } from './alert.ts'
import { AlertBook } from './book.ts'
import { conditionsIn, coordinator, type Facts, type Happened } from './conditions.ts'
import type { AlertsConfig } from './config.ts'
import { Delivery } from './delivery.ts'

export type AlertsDeps = {
  readonly config: AlertsConfig
  /** The coordinator's public key in hex. */
  readonly coordinator: string
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  readonly view: (run: string) => Promise<RunView>
  readonly room: StoreRoom | undefined
  readonly certificates: () => readonly CertificateEnd[]
  /** A number from 0 up to 1, a new one each time. */
  readonly random: () => number
  /** A new id for each notice. */
  readonly id: () => string
}

const DAY_MS = 24 * 60 * 60 * 1_000

/** Looks at the coordinator when something happens and at regular times, and tells of what is out of the ordinary. */
export class Alerts {
  readonly #deps: AlertsDeps
  readonly #book: AlertBook
  readonly #runs: ActiveRuns
  readonly #since = new Map<string, number>()
  #happened: readonly (Happened & { readonly at: number })[] = []
  readonly #deliveries: readonly Delivery[]
  #looking: Promise<void> | undefined
  #again = false
  #stopped = false
  #cancel = () => {}

  constructor(deps: AlertsDeps) {
    const { config, clock } = deps
    this.#deps = deps
    this.#book = new AlertBook(deps.id)
    this.#runs = new ActiveRuns(() => clock.now(), DAY_MS)
    this.#deliveries = config.sinks(deps.coordinator, () => clock.now()).map((sink) => new Delivery(sink, deps))
  }

  readonly observer: Partial<Told> = {
    runStarted: (run) => this.#runs.observer.runStarted(run),
    phaseChanged: ({ run }) => {
      this.#since.set(run, this.#deps.clock.now())
      this.#soon()
    },
    runEnded: (run) => {
      this.#runs.observer.runEnded(run)
      this.#since.delete(run.run)
      this.#soon()
    },
  }

  /** Looks for the first time, and from then on regularly. */
  start(): void {
    const look = () => {
      this.#soon()
      this.#cancel = this.#deps.clock.after(this.#deps.config.everyMs, look)
    }
    look()
  }

  /** A record or an entry could not be written. */
  failed(alert: 'audit-failing' | 'store-failing', code: string): void {
    this.#happen({ alert, subject: coordinator, summary: `a write failed with ${code}` })
  }

  rolledBack({ model, alias, challenger }: { model: string; alias: string; challenger: number }): void {
    const subject = { kind: 'alias', id: `${model}@${alias}` } as const
    this.#happen({ alert: 'rollout-rolled-back', subject, summary: `version ${challenger} was taken back` })
  }

  /** Whether anybody is told. */
  get tells(): boolean {
    return this.#deliveries.length > 0
  }

  view(): AlertsView {
    return this.#book.view()
  }

  /** Resolves when what happened so far was looked at. */
  async settled(): Promise<void> {
    while (this.#looking !== undefined) await this.#looking
  }

  /** Looks once more, and sends what waits for at most `graceMs`. */
  async stop(graceMs = 2_000): Promise<void> {
    if (this.#stopped) return
    this.#cancel()
    await this.settled()
    this.#stopped = true
    await Promise.all(this.#deliveries.map((one) => one.stop(graceMs)))
  }

  #happen(happened: Happened): void {
    this.#happened = [...this.#happened.slice(-99), { ...happened, at: this.#deps.clock.now() }]
    this.#soon()
  }

  #soon(): void {
    if (this.#stopped) return
    this.#again = true
    // Never in the way of who calls: a round goes on first.
    this.#looking ??= this.#lookAll().finally(() => {
      this.#looking = undefined
    })
  }

  async #lookAll(): Promise<void> {
    await Promise.resolve()
    while (this.#again) {
      this.#again = false
      try {
        await this.#look()
      } catch (err) {
        this.#deps.logger.error({ err }, 'alerts could not be decided on')
      }
    }
  }

  async #look(): Promise<void> {
    const { clock, config, metrics, logger } = this.#deps
    const facts = await this.#facts()
    const notices = this.#book.update(conditionsIn(facts, config.rules), clock.now())
    for (const notice of notices) {
      log(logger, notice)
      for (const delivery of this.#deliveries) delivery.take(notice)
    }
    const { firing } = this.#book.view()
    const count = (name: string) => firing.filter(({ alert }) => alert === name).length
    metrics.replace(
      'alertsFiring',
      alertNames.map((alert) => ({ labels: { alert }, value: count(alert) })),
    )
  }

  async #facts(): Promise<Facts> {
    const { clock, view, room, certificates, logger } = this.#deps
    const now = clock.now()
    this.#happened = this.#happened.filter(({ at }) => now - at < DAY_MS)
    const views = await this.#runs.recent(view)
    const free = await room?.free().catch((err: unknown) => {
      logger.warn({ err }, 'the room on the disk could not be measured')
      return undefined
    })
    return {
      now,
      runs: views.map((one) => ({ view: one, since: this.#since.get(one.run) ?? now })),
      ...(free === undefined ? {} : { freeBytes: free }),
      certificates: certificates(),
      happened: this.#happened,
    }
  }
}

function log(logger: Logger, { state, alert, severity, subject, summary }: Notice): void {
  const fields = { alert, severity, subject, summary }
  if (state === 'firing') logger.warn(fields, 'an alert fires')
  else logger.info(fields, 'an alert is over')
}
