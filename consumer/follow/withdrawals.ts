import type { Withdrawal } from '../cache/known.ts'

/**
 * Which versions were withdrawn. The registry says so without a signature, so only in one direction is it simply believed: a
 * version is not used that was ever said to be withdrawn, until a signed record that was made later points at it.
 */
export class Withdrawals {
  readonly #now: () => number
  readonly #heard = new Map<number, number>()
  /** What the registry says at present. */
  #listed: ReadonlySet<number> = new Set()

  constructor(now: () => number) {
    this.#now = now
  }

  get all(): readonly Withdrawal[] {
    return [...this.#heard].map(([number, heard]) => ({ number, heard })).sort((a, b) => a.number - b.number)
  }

  restore(known: readonly Withdrawal[]): void {
    for (const { number, heard } of known) this.#heard.set(number, heard)
  }

  has(number: number): boolean {
    return this.#heard.has(number)
  }

  /** All that the registry lists. True when one of them is new. */
  list(numbers: readonly number[]): boolean {
    this.#listed = new Set()
    return this.add(numbers)
  }

  /** Of some more versions. True when one of them is new. */
  add(numbers: readonly number[]): boolean {
    this.#listed = new Set([...this.#listed, ...numbers])
    const news = numbers.filter((number) => !this.#heard.has(number))
    for (const number of news) this.#heard.set(number, this.#now())
    return news.length > 0
  }

  /** Only what the registry lists at present: for pinned versions, of which no record says that they may be used again. True when one is not. */
  keepListed(): boolean {
    const over = [...this.#heard.keys()].filter((number) => !this.#listed.has(number))
    for (const number of over) this.#heard.delete(number)
    return over.length > 0
  }

  /** Whether a record that was made at this time may not point at the version. */
  standsAgainst(number: number, at: number): boolean {
    return this.#listed.has(number) || at <= (this.#heard.get(number) ?? Number.NEGATIVE_INFINITY)
  }

  /** Versions that a believed record points at. */
  overrule(numbers: readonly (number | undefined)[]): void {
    for (const number of numbers) if (number !== undefined) this.#heard.delete(number)
  }
}
