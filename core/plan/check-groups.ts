import { type CountLimits, invalidCounts } from '../metrics/check.ts'
import { type EvaluationCounts, GROUP_BINS } from '../metrics/counts.ts'
import type { GroupCounts, GroupId } from '../metrics/groups.ts'
import { type Groups, groupNames } from './groups.ts'

/** The part of a client's report that is about groups; of plans without groups it has none. */
export type ReportedGroups = {
  readonly results: readonly {
    readonly counts: EvaluationCounts
    readonly groups?: readonly GroupCounts[] | undefined
  }[]
  readonly withheld?: readonly GroupId[] | undefined
  readonly lacking?: readonly { readonly by: string; readonly column: string }[] | undefined
}

/**
 * Why what a client says of groups cannot be true, or `undefined`. Each group of the plan is either sent or withheld, unless its column
 * is lacking; a group has at least `minGroup` rows; the groups of one column have no row in common, so that together they have no
 * more in any cell than all rows of the client; and they are the same for each model.
 *
 * The counts of all rows were checked before.
 */
export function invalidGroups(
  report: ReportedGroups,
  { groups: definitions, minGroup }: { readonly groups: Groups; readonly minGroup: number },
  limits: CountLimits,
): string | undefined {
  const { results, withheld = [], lacking = [] } = report
  for (const { groups: sent = [], counts } of results) {
    const reason =
      wrongNames(definitions, sent, withheld, lacking) ??
      first(sent, (group) => wrongGroup(group, minGroup, { ...limits, scoreBins: GROUP_BINS })) ??
      first(Object.keys(definitions), (by) =>
        tooMany(
          by,
          counts,
          sent.filter((group) => group.by === by),
        ),
      )
    if (reason !== undefined) return reason
  }
  const rows = new Set(
    results.map(({ groups = [] }) =>
      JSON.stringify(groups.map(({ by, group, counts }) => [by, group, counts.rows]).sort()),
    ),
  )
  return rows.size > 1 ? 'the models were evaluated on different groups' : undefined
}

function wrongNames(
  definitions: Groups,
  sent: readonly GroupId[],
  withheld: readonly GroupId[],
  lacking: readonly { readonly by: string; readonly column: string }[],
): string | undefined {
  const nameOf = ({ by, group }: GroupId) => `${by}: ${group}`
  const said = [...sent, ...withheld].map(nameOf)
  const due = Object.entries(definitions).flatMap(([by, definition]) => {
    const isLacking = lacking.some((one) => one.by === by && one.column === definition.column)
    return isLacking ? [] : groupNames(definition).map((group) => nameOf({ by, group }))
  })
  const unknown = said.find((one, i) => !due.includes(one) || said.indexOf(one) !== i)
  if (unknown !== undefined) return `the group ${unknown} is not of the plan, stands twice, or its column is lacking`
  const untold = due.find((one) => !said.includes(one))
  if (untold !== undefined) return `nothing is said of the group ${untold}`
  const stranger = lacking.find(({ by, column }) => definitions[by]?.column !== column)
  return stranger === undefined ? undefined : `no group of the plan has a column ${stranger.column.slice(0, 50)}`
}

function wrongGroup({ by, group, counts }: GroupCounts, minGroup: number, limits: CountLimits): string | undefined {
  const reason = invalidCounts(counts, limits)
  if (reason !== undefined) return `group ${by}: ${group}: ${reason}`
  return counts.rows >= minGroup ? undefined : `group ${by}: ${group} has fewer than ${minGroup} rows`
}

function tooMany(by: string, all: EvaluationCounts, groups: readonly GroupCounts[]): string | undefined {
  return moreThanAll(all, groups, groups.length) ? `the groups of ${by} have more rows than there are` : undefined
}

/** Whether the groups of one column have more rows in some cell than there are. `rounded`: numbers whose losses were rounded. */
export function moreThanAll(all: EvaluationCounts, groups: readonly GroupCounts[], rounded: number): boolean {
  if (groups.length === 0) return false
  const most = cellsOf(all)
  const cells = groups.map(({ counts }) => cellsOf(counts))
  const sum = most.map((_, i) => cells.reduce((total, own) => total + (own[i] as number), 0))
  // The losses of each group were rounded by themselves.
  const loss = groups.reduce((total, { counts }) => total + lossOf(counts), 0)
  return !(sum.every((cell, i) => cell <= (most[i] as number)) && loss <= lossOf(all) + rounded)
}

function lossOf(counts: EvaluationCounts): number {
  return counts.task === 'regression' ? 0 : counts.lossMicros
}

/** The rows in each cell of the coarser counts that groups have, and whatever else of a group is no more than of all rows. */
function cellsOf(counts: EvaluationCounts): number[] {
  if (counts.task === 'classes') return [...counts.confusion]
  if (counts.task === 'regression') {
    const { overMicros, underMicros, squaredErrors, labelMicros, squaredLabels, errorBins } = counts
    return [...folded(errorBins), overMicros, underMicros, squaredErrors, labelMicros, squaredLabels]
  }
  return [...folded(counts.positiveScores), ...folded(counts.negativeScores)]
}

function folded(bins: readonly number[]): number[] {
  const share = bins.length / GROUP_BINS
  return Array.from({ length: GROUP_BINS }, (_, i) =>
    bins.slice(i * share, (i + 1) * share).reduce((sum, bin) => sum + bin, 0),
  )
}

function first<Item>(items: readonly Item[], reason: (item: Item) => string | undefined): string | undefined {
  for (const item of items) {
    const found = reason(item)
    if (found !== undefined) return found
  }
  return undefined
}
