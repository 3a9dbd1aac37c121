import type { BadRows } from './dataset.ts'

/** Counts rows that cannot be used, by reason and column, in the order in which they first came up. */
export class BadRowCount {
  readonly #counts = new Map<string, { reason: string; column?: string; count: number }>()

  add(reason: string, column?: string): void {
    const key = `${reason}\n${column ?? ''}`
    const known = this.#counts.get(key)
    if (known !== undefined) known.count++
    else this.#counts.set(key, { reason, count: 1, ...(column === undefined ? {} : { column }) })
  }

  list(): BadRows[] {
    return [...this.#counts.values()].map((entry) => ({ ...entry }))
  }
}
