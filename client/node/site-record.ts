import type { AuditEntry, AuditSink } from '../../core/audit/sink.ts'
import { fromUtf8, toHex } from '../../core/encoding/bytes.ts'
import type { ParleyError } from '../../core/errors/index.ts'
import { epsilonOf, type Spend } from '../../core/privacy/index.ts'
import type { EvaluationReport } from '../../core/run/evaluation-report.ts'
import type { RoundConfiguration } from '../../core/run/round-configuration.ts'
import type { UpdateHeader } from '../../core/run/update-header.ts'
import type { PrivacyLedger } from './ledger.ts'
import type { Outgoing } from './outbox.ts'

/** What a client records of itself: what it was asked, what it paid, and what left it. */
export class SiteRecord {
  readonly #audit: AuditSink
  readonly #receiver: string
  /** Its own id, as the coordinator lists it; known once it has been connected. */
  client = 'unknown'

  /** `coordinatorKey`: who gets what leaves, 32 bytes. */
  constructor(audit: AuditSink, coordinatorKey: Uint8Array) {
    this.#audit = audit
    this.#receiver = toHex(coordinatorKey)
  }

  /** Nothing of a task is begun, and no message about it is sent, before this is on the disk. */
  async taken(task: RoundConfiguration): Promise<void> {
    const { kind, plan, layout, parameters, cohort, rounds } = task
    const details = { task: kind, plan: plan.digest, layout, parameters, cohort, rounds, coordinator: this.#receiver }
    await this.#audit.append(this.#entry('task.take', task, details))
  }

  /** `unit`: who is hidden by it, the client as a whole or each of its rows. */
  async charged(
    task: RoundConfiguration,
    spend: Spend,
    ledger: PrivacyLedger,
    unit: 'client' | 'row' = 'client',
  ): Promise<void> {
    const { delta } = ledger.budget
    const { epsilon } = epsilonOf(await ledger.read(), delta)
    const details = { unit, spend: JSON.stringify(spend), epsilonInAll: epsilon.toFixed(6), delta: String(delta) }
    await this.#audit.append(this.#entry('privacy.charge', task, details))
  }

  /** Not a byte of it leaves before this is on the disk. */
  async sending(task: RoundConfiguration, answer: Outgoing): Promise<void> {
    const { payload } = answer.envelope
    const signed: unknown = JSON.parse(fromUtf8(payload))
    const told =
      answer.kind === 'train' ? updateDetails(signed as UpdateHeader) : countDetails(signed as EvaluationReport)
    const sha256 = toHex(answer.digest)
    const bytes = answer.sealed?.length ?? payload.length
    const details = { sha256, bytes, ...told, receiver: this.#receiver }
    await this.#audit.append(this.#entry(answer.kind === 'train' ? 'update.send' : 'evaluation.send', task, details))
  }

  /** What it was told; if this cannot be recorded, the next task cannot be taken. */
  async receipt(task: RoundConfiguration, accepted: boolean, code: string): Promise<void> {
    const end = accepted ? {} : ({ outcome: 'denied', code } as const)
    await this.#audit.append({ ...this.#entry('task.receipt', task, { task: task.kind }), ...end }).catch(() => {})
  }

  /** Only the code and its words are sent; see `receipt`. */
  declined(task: RoundConfiguration, { code, message }: ParleyError): void {
    const entry = this.#entry('task.decline', task, { task: task.kind, message })
    this.#audit.append({ ...entry, outcome: 'failed', code }).catch(() => {})
  }

  #entry(action: AuditEntry['action'], { run, round }: RoundConfiguration, details: AuditEntry['details']) {
    const actor = { kind: 'client', id: this.client } as const
    return { action, actor, object: { kind: 'round', id: `${run}/${round}` }, details: details ?? {} }
  }
}

function updateDetails({ mode, layout, model, samples, steps, loss, unclipped }: UpdateHeader) {
  return { mode, layout, model, samples: String(samples), steps, loss, unclipped }
}

function countDetails({ results, withheld }: EvaluationReport) {
  const groups = results[0]?.groups?.length
  return { models: results.length, rows: results[0]?.counts.rows, groups, withheld: withheld?.length }
}
