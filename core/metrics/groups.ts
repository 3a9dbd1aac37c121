import type { EvaluationCounts } from './counts.ts'

/** One group of rows: `by` is its definition in the plan. */
export type GroupId = { readonly by: string; readonly group: string }

export type GroupCounts = GroupId & {
  readonly counts: EvaluationCounts
  /** How many clients' rows these are; absent for those of one. */
  readonly clients?: number
}

/** What a client counted, and what it kept to itself. */
export type GroupedCounts = {
  readonly counts: EvaluationCounts
  readonly groups: readonly GroupCounts[]
  /** Groups with too few rows, or whose rows would show those of such a group. */
  readonly withheld: readonly GroupId[]
  /** Definitions whose column the client’s data does not have. */
  readonly lacking: readonly { readonly by: string; readonly column: string }[]
}
