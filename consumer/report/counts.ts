import { LATENCY_BINS, latencyBin } from '../../core/rollout/latency-grid.ts'
import { MAX_COUNT, sum, type VersionCounts } from '../../core/rollout/outcomes.ts'

/** How one request went. */
export type Answered = {
  /** How long it took, in milliseconds. */
  readonly ms?: number
  /** Nothing came of it. */
  readonly failed?: boolean
}

/** What turned out of an answer: whether the model said the positive class, and whether it was. */
export type Truth = { readonly predicted: boolean; readonly actual: boolean }

/** How much was counted, as far as it bounds what may be reported: of nothing more than of requests. */
export type Sums = { readonly requests: number; readonly truths: number; readonly opinions: number }

export const noSums: Sums = { requests: 0, truths: 0, opinions: 0 }

export function addSums(a: Sums, b: Sums): Sums {
  return { requests: a.requests + b.requests, truths: a.truths + b.truths, opinions: a.opinions + b.opinions }
}

/** What of a report's counts bounds the next ones. */
export function sumsOf({ requests, confusion, outcomes }: Omit<VersionCounts, 'number'>): Sums {
  return {
    requests,
    truths: sum(Object.values(confusion ?? {})),
    opinions: sum(Object.values(outcomes ?? {})),
  }
}

/** Counters of one version in memory: a fixed size, whatever is counted. At a billion they stop. */
export class Counts {
  #requests = 0
  #errors = 0
  #latencies = 0
  readonly #bins = new Array<number>(LATENCY_BINS).fill(0)
  readonly #confusion = { tp: 0, fp: 0, tn: 0, fn: 0 }
  readonly #outcomes = { good: 0, bad: 0 }

  answered({ ms, failed = false }: Answered): void {
    if (this.#requests >= MAX_COUNT) return
    this.#requests++
    if (failed) this.#errors++
    if (ms === undefined || !Number.isFinite(ms) || ms < 0) return
    const bin = latencyBin(ms)
    this.#bins[bin] = (this.#bins[bin] ?? 0) + 1
    this.#latencies++
  }

  truth({ predicted, actual }: Truth): void {
    const cell = predicted ? (actual ? 'tp' : 'fp') : actual ? 'fn' : 'tn'
    if (this.#confusion[cell] < MAX_COUNT) this.#confusion[cell]++
  }

  opinion(good: boolean): void {
    const side = good ? 'good' : 'bad'
    if (this.#outcomes[side] < MAX_COUNT) this.#outcomes[side]++
  }

  get requests(): number {
    return this.#requests
  }

  /**
   * Takes out what may be reported after `before`; undefined when that is nothing. Truths and opinions that are more than the
   * requests so far, as those of answers from before the rollout, stay until there are as many requests.
   */
  take(before: Sums): Omit<VersionCounts, 'number'> | undefined {
    const requests = this.#requests
    const known = before.requests + requests
    const truths = sum(Object.values(this.#confusion))
    const opinions = sum(Object.values(this.#outcomes))
    const takesTruths = truths > 0 && before.truths + truths <= known
    const takesOpinions = opinions > 0 && before.opinions + opinions <= known
    if (requests === 0 && !takesTruths && !takesOpinions) return undefined
    const counts = {
      requests,
      errors: this.#errors,
      ...(this.#latencies === 0 ? {} : { latencyMs: { bins: [...this.#bins] } }),
      ...(takesTruths ? { confusion: { ...this.#confusion } } : {}),
      ...(takesOpinions ? { outcomes: { ...this.#outcomes } } : {}),
    }
    this.#requests = 0
    this.#errors = 0
    this.#latencies = 0
    this.#bins.fill(0)
    if (takesTruths) Object.assign(this.#confusion, { tp: 0, fp: 0, tn: 0, fn: 0 })
    if (takesOpinions) Object.assign(this.#outcomes, { good: 0, bad: 0 })
    return counts
  }
}
