import { ParleyError } from '../../../core/errors/index.ts'
import type { EnrolmentChange, EnrolmentRecord, EnrolmentRecords } from '../enrolment-ports.ts'

export class MemoryEnrolments implements EnrolmentRecords {
  readonly #records = new Map<string, EnrolmentRecord>()
  readonly #changes: EnrolmentChange[] = []

  async enrolments(): Promise<readonly EnrolmentRecord[]> {
    return [...this.#records.values()]
      .map((record) => structuredClone(record))
      .sort((a, b) => (a.client < b.client ? -1 : 1))
  }

  async saveEnrolment(record: EnrolmentRecord, change: EnrolmentChange): Promise<void> {
    const { client, publicKey } = record
    const taken = [...this.#records.values()].some((one) => one.client !== client && one.publicKey === publicKey)
    if (publicKey !== undefined && taken) throw new ParleyError('run.conflict', 'another client has this key')
    this.#records.set(client, structuredClone(record))
    this.#changes.push(structuredClone(change))
  }

  async enrolmentChanges(client: string, limit: number): Promise<readonly EnrolmentChange[]> {
    return this.#changes
      .filter((one) => one.client === client)
      .reverse()
      .slice(0, limit)
  }
}
