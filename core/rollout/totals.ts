import type { VersionCounts } from './outcomes.ts'

/** What a consumer counted of one version, over all its reports. */
export type Totals = {
  readonly requests: number
  readonly errors: number
  readonly bins: readonly number[]
  readonly confusion: { readonly tp: number; readonly fp: number; readonly tn: number; readonly fn: number }
  readonly outcomes: { readonly good: number; readonly bad: number }
}

export const nothing: Totals = {
  requests: 0,
  errors: 0,
  bins: [],
  confusion: { tp: 0, fp: 0, tn: 0, fn: 0 },
  outcomes: { good: 0, bad: 0 },
}

export function added(
  totals: Totals,
  { requests, errors, latencyMs, confusion, outcomes }: Omit<VersionCounts, 'number'>,
): Totals {
  const { tp, fp, tn, fn } = totals.confusion
  const { good, bad } = totals.outcomes
  return {
    requests: totals.requests + requests,
    errors: totals.errors + errors,
    bins: latencyMs === undefined ? totals.bins : latencyMs.bins.map((one, i) => one + (totals.bins[i] ?? 0)),
    confusion:
      confusion === undefined
        ? totals.confusion
        : { tp: tp + confusion.tp, fp: fp + confusion.fp, tn: tn + confusion.tn, fn: fn + confusion.fn },
    outcomes: outcomes === undefined ? totals.outcomes : { good: good + outcomes.good, bad: bad + outcomes.bad },
  }
}

/**
 * Whether a consumer can have counted this: truths and opinions may come later than their requests, but of nothing are there more than
 * of requests.
 */
export function isPossible({ requests, confusion: { tp, fp, tn, fn }, outcomes: { good, bad } }: Totals): boolean {
  return tp + fp + tn + fn <= requests && good + bad <= requests
}
