import { ParleyError } from '../../core/errors/index.ts'
import type { ConsumerEvent } from '../events.ts'
import type { Registry } from '../http/registry.ts'

export type PollerDeps = {
  readonly registry: Registry
  /** Undefined for a pinned version, of which only the withdrawal is asked for. */
  readonly alias: string | undefined
  readonly tell: (event: ConsumerEvent) => void
  readonly onWithdrawn: (numbers: readonly number[], all: boolean) => Promise<void>
  /** Throws when it does not believe the record. */
  readonly onRecord: (envelope: Uint8Array) => Promise<void>
  /** The record that was believed last is the newest that there is. */
  readonly onUnchanged: () => Promise<void>
}

/** Asks the registry for the newest record, and says when it does not answer and when it does again. */
export class Poller {
  readonly #deps: PollerDeps
  #tag: string | undefined
  #offline = false
  #queue: Promise<void> = Promise.resolve()

  constructor(deps: PollerDeps) {
    this.#deps = deps
  }

  /** Rejects with why the registry could not be asked, or why its record was not believed. One poll after the other. */
  poll(signal: AbortSignal): Promise<void> {
    const done = this.#queue.then(() => this.#poll(signal))
    this.#queue = done.catch(() => {})
    return done
  }

  /** The registry was heard from by another way. */
  heard(): void {
    if (!this.#offline) return
    this.#offline = false
    this.#deps.tell({ type: 'back' })
  }

  async #poll(signal: AbortSignal): Promise<void> {
    const { registry, alias, onWithdrawn, onRecord, onUnchanged } = this.#deps
    const asked = { withdrawn: registry.withdrawn(signal), record: this.#record(registry, alias, signal) }
    try {
      // Withdrawals first: the record is judged by them.
      const [numbers] = await Promise.all([asked.withdrawn, asked.record])
      this.heard()
      await onWithdrawn(numbers, true)
    } catch (failure) {
      if (!signal.aborted) this.#failed(ParleyError.from(failure))
      throw failure
    }
    if (alias === undefined) return
    const record = await asked.record
    if (record === undefined) return onUnchanged()
    // The tag of a record that is refused is not kept: what is refused now may be believed later.
    this.#tag = undefined
    await onRecord(record.envelope)
    this.#tag = record.tag
  }

  async #record(registry: Registry, alias: string | undefined, signal: AbortSignal) {
    return alias === undefined ? undefined : registry.record(alias, this.#tag, signal)
  }

  #failed({ code, message, entry }: ParleyError): void {
    if (!entry.retryable) return this.#deps.tell({ type: 'refused', code, reason: message })
    if (this.#offline) return
    this.#offline = true
    this.#deps.tell({ type: 'offline', code, reason: message })
  }
}
