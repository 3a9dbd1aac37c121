import type { Crypto } from '../../core/crypto/primitives.ts'
import type { ParleyError } from '../../core/errors/index.ts'
import type { GateVerdict, RunPhase } from '../../core/run/view.ts'
import { RunAudit, type RunRecords } from './run-audit.ts'
import type { Outcome, RoundRecord, RunState } from './state.ts'

/** Who is told; each is called synchronously and must not throw. */
export type RunObserver = {
  readonly runStarted: (run: { run: string; model: string; restored: boolean }) => void
  readonly phaseChanged: (change: { run: string; model: string; round: number; phase: RunPhase }) => void
  readonly evaluated: (evaluation: { client: string; run: string; round: number }) => void
  readonly roundClosed: (round: {
    run: string
    round: number
    seconds: number
    accepted: number
    silent: number
    made: boolean
  }) => void
  readonly runEnded: (run: {
    run: string
    model: string
    outcome: Outcome['kind']
    gates: readonly GateVerdict[]
  }) => void
  readonly fatal: (error: ParleyError) => void
}

/** Tells of each run what is new in its state, once: to whoever observes the coordinator, and to the audit log. */
export class RunReporter {
  readonly #observer: RunObserver
  readonly #audit: RunAudit | undefined
  /** Closed rounds of each run that the observer was told of, and runs whose end it was told of. */
  readonly #rounds = new Map<string, number>()
  readonly #ended = new Set<string>()
  readonly #phases = new Map<string, string>()
  readonly #evaluated = new Map<string, number>()

  constructor(crypto: Pick<Crypto, 'sha256'>, observer: RunObserver, records: RunRecords | undefined) {
    this.#observer = observer
    if (records !== undefined) this.#audit = new RunAudit(crypto, records, observer.fatal)
  }

  /** A run as its journal left it: its past was told before. */
  restored(state: RunState): void {
    this.#rounds.set(state.run, state.history.length)
    if (state.phase === 'over') this.#ended.add(state.run)
    else {
      this.#observer.runStarted({ run: state.run, model: state.settings.model, restored: true })
      this.#phase(state)
    }
    this.#audit?.restored(state)
  }

  /** Resolves when the start of the run is on record. Rejects with `audit.unavailable`. */
  async started(state: RunState): Promise<void> {
    this.#observer.runStarted({ run: state.run, model: state.settings.model, restored: false })
    this.#phase(state)
    this.#audit?.changed(state)
    await this.#audit?.settled()
  }

  changed(state: RunState): void {
    const { run, history } = state
    const told = this.#rounds.get(run) ?? 0
    this.#rounds.set(run, history.length)
    this.#evaluations(state)
    this.#phase(state)
    for (const record of history.slice(told)) this.#observer.roundClosed({ run, ...closedOf(record) })
    if (state.phase === 'over' && !this.#ended.has(run)) {
      this.#ended.add(run)
      this.#phases.delete(run)
      const { outcome } = state
      const gates = 'verdicts' in outcome ? outcome.verdicts : []
      this.#observer.runEnded({ run, model: state.settings.model, outcome: outcome.kind, gates })
    }
    this.#audit?.changed(state)
  }

  #evaluations(state: RunState): void {
    const { run, phase, history } = state
    const told = this.#evaluated.get(run) ?? 0
    if (phase === 'evaluating') {
      const came = [...state.results, ...(state.masked?.vectors ?? [])]
      this.#evaluated.set(run, came.length)
      for (const { client } of came.slice(told)) this.#observer.evaluated({ client, run, round: state.round })
      return
    }
    // What comes last ends the phase.
    const last = this.#evaluated.delete(run) ? history.at(-1) : undefined
    for (const { client, clients } of last?.results.slice(told) ?? []) {
      if (last !== undefined && clients === undefined) this.#observer.evaluated({ client, run, round: last.round })
    }
  }

  #phase({ run, settings, round, phase, history, paused }: RunState): void {
    if (this.#ended.has(run)) return
    // A round that failed is held again under its number.
    // To wait because of a pause is not to wait for clients.
    const now = `${history.length} ${phase} ${phase === 'waiting' && paused !== undefined}`
    if (this.#phases.get(run) === now) return
    this.#phases.set(run, now)
    this.#observer.phaseChanged({ run, model: settings.model, round, phase })
  }
}

function closedOf({ round, openedAt, closedAt, cohort, accepted, refused, model }: RoundRecord) {
  const heard = new Set([...accepted, ...refused].map(({ client }) => client))
  const silent = cohort.filter((client) => !heard.has(client)).length
  return { round, seconds: (closedAt - openedAt) / 1000, accepted: accepted.length, silent, made: model !== undefined }
}
