import type { Crypto } from '../../core/crypto/primitives.ts'
import type { ParleyError } from '../../core/errors/index.ts'
import { RunAudit, type RunRecords } from './run-audit.ts'
import type { Outcome, RunState } from './state.ts'

/** Who is told; each is called synchronously and must not throw. */
export type RunObserver = {
  readonly runStarted: (run: { run: string; model: string; restored: boolean }) => void
  readonly roundClosed: (round: {
    run: string
    round: number
    seconds: number
    accepted: number
    made: boolean
  }) => void
  readonly runEnded: (run: { run: string; model: string; outcome: Outcome['kind'] }) => void
  readonly fatal: (error: ParleyError) => void
}

/** Tells of each run what is new in its state, once: to whoever observes the coordinator, and to the audit log. */
export class RunReporter {
  readonly #observer: RunObserver
  readonly #audit: RunAudit | undefined
  /** Closed rounds of each run that the observer was told of, and runs whose end it was told of. */
  readonly #rounds = new Map<string, number>()
  readonly #ended = new Set<string>()

  constructor(crypto: Pick<Crypto, 'sha256'>, observer: RunObserver, records: RunRecords | undefined) {
    this.#observer = observer
    if (records !== undefined) this.#audit = new RunAudit(crypto, records, observer.fatal)
  }

  /** A run as its journal left it: its past was told before. */
  restored(state: RunState): void {
    this.#rounds.set(state.run, state.history.length)
    if (state.phase === 'over') this.#ended.add(state.run)
    else this.#observer.runStarted({ run: state.run, model: state.settings.model, restored: true })
    this.#audit?.restored(state)
  }

  /** Resolves when the start of the run is on record. Rejects with `audit.unavailable`. */
  async started(state: RunState): Promise<void> {
    this.#observer.runStarted({ run: state.run, model: state.settings.model, restored: false })
    this.#audit?.changed(state)
    await this.#audit?.settled()
  }

  changed(state: RunState): void {
    const { run, history } = state
    const told = this.#rounds.get(run) ?? 0
    this.#rounds.set(run, history.length)
    for (const { round, openedAt, closedAt, accepted, model } of history.slice(told)) {
      const seconds = (closedAt - openedAt) / 1000
      this.#observer.roundClosed({ run, round, seconds, accepted: accepted.length, made: model !== undefined })
    }
    if (state.phase === 'over' && !this.#ended.has(run)) {
      this.#ended.add(run)
      this.#observer.runEnded({ run, model: state.settings.model, outcome: state.outcome.kind })
    }
    this.#audit?.changed(state)
  }
}
