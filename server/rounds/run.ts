import type { Crypto } from '../../core/crypto/primitives.ts'
import { canonicalJsonOfDefined } from '../../core/encoding/canonical-json.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { Journal } from '../store/ports.ts'
import { type Effect, effectsOf } from './effect.ts'
import type { RunEvent } from './event.ts'
import type { RunState } from './state.ts'
import { step } from './step.ts'

export type RunDeps = {
  readonly crypto: Crypto
  readonly journal: Journal
  /** Does what a state asks for. Called after the journal holds the event; must not throw. */
  readonly perform: (run: Run, effects: readonly Effect[]) => void
  /** Called after each change of state. */
  readonly changed: (run: Run) => void
}

/**
 * One run: the machine with its journal. Events are taken one at a time. Each is stepped first, which changes nothing;
 * if the state changes by it, the event is journalled, then the new state holds, then its effects are performed.
 * So whatever anybody saw of a state is in the journal, and a restart comes back to it.
 */
export class Run {
  readonly id: string
  readonly #deps: RunDeps
  #state: RunState | undefined
  #sequence: number
  #tail: Promise<unknown> = Promise.resolve()

  private constructor(id: string, deps: RunDeps, state: RunState | undefined, sequence: number) {
    this.id = id
    this.#deps = deps
    this.#state = state
    this.#sequence = sequence
  }

  /** A new run; its first event is in the journal when this resolves. */
  static async start(deps: RunDeps, event: Extract<RunEvent, { type: 'started' }>): Promise<Run> {
    const run = new Run(event.run, deps, undefined, 0)
    await run.tell(event)
    return run
  }

  /** A run as its journal left it. Its effects are performed when `resume` is called. */
  static async restore(deps: RunDeps, id: string): Promise<Run> {
    const entries = await deps.journal.read(id)
    let state: RunState | undefined
    // What is in the journal was verified before it came there, and the journal is held to its own chain of digests.
    const crypto = { ...deps.crypto, verify: () => true }
    for (const entry of entries) [state] = step(crypto, state, JSON.parse(entry) as RunEvent)
    if (state === undefined) throw new ParleyError('store.corrupt', `the journal of run ${id} does not start a run`)
    return new Run(id, deps, state, entries.length)
  }

  get state(): RunState {
    if (this.#state === undefined) throw new ParleyError('internal', `run ${this.id} has not started`)
    return this.#state
  }

  /** Does again what the present state asks for. */
  resume(): void {
    this.#deps.perform(this, effectsOf(this.state))
  }

  /**
   * Tells the run an event and resolves when it is journalled: true if it changed the state, false if it meant nothing
   * any more. Rejects when the journal could not take it; then nothing has changed.
   */
  tell(event: RunEvent): Promise<boolean> {
    const told = this.#tail.then(() => this.#take(event))
    this.#tail = told.catch(() => {})
    return told
  }

  async #take(event: RunEvent): Promise<boolean> {
    const [next, effects] = step(this.#deps.crypto, this.#state, event)
    if (next === this.#state) return false
    await this.#deps.journal.append(this.id, this.#sequence, canonicalJsonOfDefined(event))
    this.#sequence++
    this.#state = next
    this.#deps.changed(this)
    this.#deps.perform(this, effects)
    return true
  }
}
