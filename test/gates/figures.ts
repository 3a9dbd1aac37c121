import { countBinary } from '../../core/metrics/count.ts'
import { type BinaryCounts, GROUP_BINS } from '../../core/metrics/counts.ts'
import type { GroupCounts } from '../../core/metrics/groups.ts'

/** Rows of each outcome of a binary task. */
export type Outcome = { readonly tp?: number; readonly fp?: number; readonly tn?: number; readonly fn?: number }

/** Counts with these outcomes: called positive at a score of 0.9, not at 0.1. */
export function outcomes({ tp = 0, fp = 0, tn = 0, fn = 0 }: Outcome, bins?: number): BinaryCounts {
  const rows = [
    ...Array(tp).fill([0.9, 1]),
    ...Array(fp).fill([0.9, 0]),
    ...Array(tn).fill([0.1, 0]),
    ...Array(fn).fill([0.1, 1]),
  ] as [number, number][]
  return countBinary(
    rows.map(([score]) => score),
    rows.map(([, label]) => label),
    bins,
  )
}

export function groupOf(group: string, outcome: Outcome, by = 'sex'): GroupCounts {
  return { by, group, counts: outcomes(outcome, GROUP_BINS) }
}
