import type { Journal } from '../ports.ts'
import { sequenceConflict } from '../sequence.ts'

/** A journal in memory. */
export class MemoryJournal implements Journal {
  readonly #runs = new Map<string, string[]>()

  async append(run: string, sequence: number, entry: string): Promise<void> {
    const entries = this.#runs.get(run) ?? []
    if (sequence !== entries.length) throw sequenceConflict(run, sequence, entries.length)
    entries.push(entry)
    this.#runs.set(run, entries)
  }

  async read(run: string): Promise<readonly string[]> {
    return [...(this.#runs.get(run) ?? [])]
  }
}
