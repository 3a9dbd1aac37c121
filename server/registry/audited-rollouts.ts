import type { AuditSink } from '../../core/audit/sink.ts'
import { Throttle } from '../../core/audit/throttle.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { Rollouts, type RolloutsDeps, type TakenReport } from './rollouts.ts'

/** Rollouts that record which reports they refuse. What they take is kept as it was signed; their moves are the registry’s. */
export class AuditedRollouts extends Rollouts {
  readonly #audit: AuditSink
  readonly #now: () => number
  readonly #throttle = new Throttle()

  constructor(deps: RolloutsDeps, audit: AuditSink) {
    super(deps)
    this.#audit = audit
    this.#now = () => deps.clock.now()
  }

  override async report(model: string, body: Uint8Array): Promise<TakenReport> {
    try {
      return await super.report(model, body)
    } catch (failure) {
      await this.#refused(model, ParleyError.from(failure))
      throw failure
    }
  }

  async #refused(model: string, { code, message }: ParleyError): Promise<void> {
    const more = this.#throttle.take('outcomes.refuse', this.#now())
    if (more === undefined) return
    await this.#audit.append({
      action: 'outcomes.refuse',
      // Whose it is, is known only where its signature was good.
      actor: { kind: 'system', id: 'coordinator' },
      object: { kind: 'model', id: model },
      outcome: 'denied',
      code,
      details: { message, leftOut: more === 0 ? undefined : more },
    })
  }
}
