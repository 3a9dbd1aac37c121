import type { AuditEntry, AuditSink } from '../../core/audit/sink.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { ReadableAudit } from '../../server/http/audit.ts'

/** Keeps entries in memory, and fails when it is told to. */
export class MemoryAudit implements AuditSink, ReadableAudit {
  readonly entries: AuditEntry[] = []
  readonly publicKey = new Uint8Array(32).fill(5)
  readonly federation = 'fed_test'
  checkpoints = 0
  failing = false

  get records(): number {
    return this.entries.length
  }

  get actions(): string[] {
    return this.entries.map(({ action }) => action)
  }

  async append(entry: AuditEntry): Promise<number> {
    this.#check()
    return this.entries.push(entry) - 1
  }

  async settled(): Promise<void> {
    this.#check()
  }

  async checkpoint(): Promise<void> {
    this.#check()
    this.checkpoints++
  }

  async *lines(from = 0, limit = 1_000): AsyncGenerator<string> {
    for (const entry of this.entries.slice(from, from + limit)) yield JSON.stringify(entry)
  }

  async snapshot() {
    return { records: this.entries.length, checkpoints: [] }
  }

  #check(): void {
    if (this.failing) throw new ParleyError('audit.unavailable')
  }
}
