import type { AuditEntry, AuditSink } from '../../core/audit/sink.ts'
import type { Crypto } from '../../core/crypto/primitives.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { factKey, type RecordedFacts } from '../audit/recorded-facts.ts'
import { factsOf, nothingRecorded, type Recorded } from './run-facts.ts'
import type { RunState } from './state.ts'

/** Where records of runs go, and what is there already. */
export type RunRecords = { readonly sink: AuditSink; readonly facts: RecordedFacts }

const coordinator = { kind: 'system', id: 'coordinator' } as const

/** Records what runs do, out of their states. What cannot be recorded ends the coordinator: nothing goes on unseen. */
export class RunAudit {
  readonly #crypto: Pick<Crypto, 'sha256'>
  readonly #records: RunRecords
  readonly #fatal: (error: ParleyError) => void
  readonly #runs = new Map<string, Recorded>()

  constructor(crypto: Pick<Crypto, 'sha256'>, records: RunRecords, fatal: (error: ParleyError) => void) {
    this.#crypto = crypto
    this.#records = records
    this.#fatal = fatal
  }

  /** A run as its journal left it: records what the journal has and the log lacks. */
  restored(state: RunState): void {
    const { facts } = this.#records
    const lacking = (action: string, id: string) => !facts.has(factKey(action, id))
    this.#record(state, { late: true }, lacking)
    if (state.phase === 'over') return
    const object = { kind: 'run', id: state.run }
    const details = { phase: state.phase, round: state.round }
    this.#append({ action: 'run.resume', actor: coordinator, object, details })
  }

  changed(state: RunState): void {
    this.#record(state, {}, () => true)
  }

  /** Resolves when all of it is on the disk. Rejects with `audit.unavailable`. */
  settled(): Promise<void> {
    return this.#records.sink.settled()
  }

  #record(state: RunState, marks: object, wanted: (action: string, id: string) => boolean): void {
    const recorded = this.#runs.get(state.run) ?? nothingRecorded()
    this.#runs.set(state.run, recorded)
    for (const { details, ...fact } of factsOf(this.#crypto, state, recorded)) {
      if (!wanted(fact.action, fact.object.id)) continue
      this.#append({ ...fact, actor: coordinator, details: { ...details, ...marks } })
    }
  }

  #append(entry: AuditEntry): void {
    this.#records.sink.append(entry).catch((failure: unknown) => this.#fatal(ParleyError.from(failure)))
  }
}
