import { ParleyError } from '../../../core/errors/index.ts'
import type { Journal } from '../ports.ts'

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

export function sequenceConflict(run: string, sequence: number, due: number): ParleyError {
  return new ParleyError('run.conflict', `entry ${sequence} came for the journal of ${run}, and ${due} was due`)
}
