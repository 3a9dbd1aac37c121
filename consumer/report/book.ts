import { timestampOf } from '../../core/attestation/time.ts'
import { type Outcomes, sum } from '../../core/rollout/outcomes.ts'
import type { Reportable } from '../follow/ledger.ts'
import { addSums, Counts, noSums, type Sums, sumsOf } from './counts.ts'
import type { LastTaken } from './verdict.ts'

/** A report on its way. */
export type Waiting = {
  report: Outcomes
  /** As it was signed; it is sent in these very bytes until the registry has said something of it. */
  envelope: Uint8Array<ArrayBuffer> | undefined
  /** It was sent, and what became of it is not known. */
  uncertain: boolean
}

/** So many reports wait for a registry, at the most: one for each time that the program ended without reaching it. */
export const MAX_WAITING = 16

/** What outlives the program of a book. */
export type KeptBook = {
  readonly rollout: string
  readonly number: number
  readonly sequence: number
  /** When the last report that was taken ended, in milliseconds since the epoch. */
  readonly to: number
  readonly sums: Sums
  readonly waiting: readonly Waiting[]
}

/** What was counted for one rollout, and what the registry has of it. Pure but for what it remembers. */
export class Book {
  readonly rollout: string
  #number: number
  /** Of the last report that was taken. */
  #sequence = 0
  readonly waiting: Waiting[] = []
  #counts = new Counts()
  #sums: Sums = noSums
  /** When the counting began that the next report ends, in milliseconds since the epoch; of whole seconds. */
  #since: number
  #to: number

  /** `now`: in milliseconds since the epoch. */
  constructor({ rollout, number }: Reportable, now: number, kept?: KeptBook) {
    const known = kept?.rollout === rollout.id ? kept : undefined
    this.rollout = rollout.id
    this.#number = known?.number ?? number
    this.#sequence = known?.sequence ?? 0
    this.#sums = known?.sums ?? noSums
    this.#to = known?.to ?? 0
    this.waiting.push(...(known?.waiting ?? []))
    const last = this.waiting.at(-1)
    this.#since = Math.max(second(now), this.#to, last === undefined ? 0 : Date.parse(last.report.to))
    if (number !== this.#number) this.move(number, now)
  }

  get number(): number {
    return this.#number
  }

  get counts(): Counts {
    return this.#counts
  }

  get kept(): KeptBook {
    const { rollout, waiting } = this
    return { rollout, number: this.#number, sequence: this.#sequence, to: this.#to, sums: this.#sums, waiting }
  }

  /** The consumer gets the other side: what was counted and not cut is of no use. Returns how many requests that were. */
  move(number: number, now: number): number {
    const { requests } = this.#counts
    this.#number = number
    this.#counts = new Counts()
    this.#sums = noSums
    this.#since = Math.max(second(now), this.#since)
    return requests
  }

  /** Makes a report of what was counted, where there is anything and room for it. */
  cut({ model, consumer }: Pick<Outcomes, 'model' | 'consumer'>, now: number): void {
    if (this.waiting.length >= MAX_WAITING) return
    const due = this.waiting
      .filter(({ report }) => numberOf(report) === this.#number)
      .reduce((total, { report }) => addSums(total, reported(report)), this.#sums)
    const counts = this.#counts.take(due)
    if (counts === undefined) return
    // Times are whole seconds, and a report ends after it began.
    this.#since = Math.max(this.#since, this.#to)
    const to = Math.max(second(now), this.#since + 1_000)
    const report: Outcomes = {
      v: 1,
      model,
      consumer,
      rollout: this.rollout,
      sequence: this.#sequence + this.waiting.length + 1,
      from: timestampOf(this.#since),
      to: timestampOf(to),
      versions: [{ number: this.#number, ...counts }],
    }
    this.#since = to
    this.waiting.push({ report, envelope: undefined, uncertain: false })
  }

  /** The first of those that wait, under the number that it must have. */
  first(): Waiting | undefined {
    const [first] = this.waiting
    if (first === undefined) return undefined
    const { report } = first
    const sequence = this.#sequence + 1
    const since = Math.max(Date.parse(report.from), this.#to)
    if (report.sequence === sequence && report.from === timestampOf(since)) return first
    const to = Math.max(Date.parse(report.to), since + 1_000)
    first.report = { ...report, sequence, from: timestampOf(since), to: timestampOf(to) }
    first.envelope = undefined
    return first
  }

  /** The registry has other reports than this program knows of. */
  adopt({ sequence, to }: LastTaken): void {
    this.#sequence = sequence
    this.#to = Math.max(this.#to, to)
  }

  /** The registry has taken the first. */
  taken(): void {
    const report = this.waiting.shift()?.report
    if (report === undefined) return
    this.adopt({ sequence: report.sequence, to: Date.parse(report.to) })
    if (numberOf(report) === this.#number) this.#sums = addSums(this.#sums, reported(report))
  }

  /** All requests that the registry does not have. */
  get unsent(): number {
    return sum(this.waiting.map(({ report }) => requestsOf(report))) + this.#counts.requests
  }
}

export function requestsOf({ versions }: Outcomes): number {
  return sum(versions.map(({ requests }) => requests))
}

export function numberOf({ versions }: Outcomes): number {
  return versions[0]?.number ?? 0
}

function reported({ versions }: Outcomes): Sums {
  return versions.map(sumsOf).reduce(addSums, noSums)
}

function second(ms: number): number {
  return Math.floor(ms / 1_000) * 1_000
}
