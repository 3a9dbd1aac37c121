import type { EvaluationCounts } from '../../core/metrics/counts.ts'
import type { GroupCounts, GroupId } from '../../core/metrics/groups.ts'
import type { HoldoutResult } from '../../core/run/holdout.ts'
import type { LatencyResult } from '../../core/run/latency.ts'

/** What one client sent: counts of the candidate, then of the version in use where there is one. */
export type EvaluatedClient = {
  readonly client: string
  readonly counts: readonly EvaluationCounts[]
  /** Of each model, in the same order; absent where the plan has no groups. */
  readonly groups?: readonly (readonly GroupCounts[])[]
  readonly withheld?: readonly GroupId[]
  readonly lacking?: readonly { readonly by: string; readonly column: string }[]
}

/** What the gates judge. */
export type EvaluatedCandidate = {
  readonly champion?: { readonly version: number }
  readonly results: readonly EvaluatedClient[]
  /** What came out on the coordinator's own rows; absent where no gate asks for it, or the round was not evaluated. */
  readonly holdout?: HoldoutResult
  /** How long it takes to answer; absent where no gate asks for it, or the round was not evaluated. */
  readonly latency?: LatencyResult
  /** The model file, and the one that is published where that is another. */
  readonly model?: { readonly bytes: number }
  readonly weights?: { readonly bytes: number }
}

/** The counts of one client for the models, or of one of its groups. */
export type Part = Pick<EvaluatedClient, 'client' | 'counts'>

/** All rows of each client, or those of one group from the clients that sent it. */
export function partsOf({ results }: EvaluatedCandidate, of?: GroupId): Part[] {
  if (of === undefined) return [...results]
  return results.flatMap(({ client, groups = [] }) => {
    const counts = groups.flatMap((sent) => sent.filter(({ by, group }) => by === of.by && group === of.group))
    return counts.length === 0 ? [] : [{ client, counts: counts.map((one) => one.counts) }]
  })
}

/** The groups of one definition by name, or why they cannot be judged: every client must have its column. */
export function groupNamesOf({ results }: EvaluatedCandidate, by: string): string[] | { readonly why: string } {
  const lacking = results.flatMap(({ client, lacking = [] }) =>
    lacking.filter((one) => one.by === by).map(({ column }) => ({ client, column })),
  )
  const [first] = lacking
  if (first !== undefined) {
    const others = lacking.length === 1 ? '' : ` and of ${lacking.length - 1} more`
    return { why: `data.schema: the column ${first.column} is not in the data of client ${first.client}${others}` }
  }
  const named = results.flatMap(({ groups: [sent = []] = [], withheld = [] }) => [...sent, ...withheld])
  return [...new Set(named.filter((one) => one.by === by).map(({ group }) => group))].sort()
}
