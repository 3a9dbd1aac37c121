import type { ConsumerTotals } from '../../core/rollout/compare.ts'
import type { LastOutcomes, Outcomes } from '../../core/rollout/outcomes.ts'
import { added, nothing, type Totals } from '../../core/rollout/totals.ts'

/** What was reported of one rollout so far. Follows from its reports alone, so it is made again from the store after a restart. */
export class Tally {
  /** When the present step began, in milliseconds since the epoch. */
  readonly since: number
  reports = 0
  readonly #last = new Map<string, LastOutcomes>()
  readonly #totals = new Map<number, Map<string, Totals>>()
  readonly #inStep = new Map<number, Map<string, number>>()

  constructor(since: number) {
    this.since = since
  }

  lastOf(consumer: string): LastOutcomes | undefined {
    return this.#last.get(consumer)
  }

  totalsOf(number: number, consumer: string): Totals {
    return this.#totals.get(number)?.get(consumer) ?? nothing
  }

  /** `at`: when the report was taken. */
  add({ consumer, sequence, to, versions }: Outcomes, sha256: string, at: number): void {
    this.reports++
    this.#last.set(consumer, { sequence, sha256, to })
    for (const { number, ...counts } of versions) {
      const own = this.#totals.get(number) ?? new Map<string, Totals>()
      own.set(consumer, added(own.get(consumer) ?? nothing, counts))
      this.#totals.set(number, own)
      if (at < this.since) continue
      const inStep = this.#inStep.get(number) ?? new Map<string, number>()
      inStep.set(consumer, (inStep.get(consumer) ?? 0) + counts.requests)
      this.#inStep.set(number, inStep)
    }
  }

  consumersOf(number: number): ConsumerTotals[] {
    return [...(this.#totals.get(number) ?? [])].map(([consumer, totals]) => ({ consumer, totals }))
  }

  /** Requests of each consumer that were reported since the step began. */
  requestsInStep(number: number): number[] {
    return [...(this.#inStep.get(number)?.values() ?? [])]
  }
}
