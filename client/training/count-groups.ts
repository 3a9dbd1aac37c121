import { countBinary, countClasses } from '../../core/metrics/count.ts'
import { countNumeric } from '../../core/metrics/count-numeric.ts'
import { type EvaluationCounts, GROUP_BINS, type LabelRange } from '../../core/metrics/counts.ts'
import type { GroupCounts, GroupedCounts, GroupId } from '../../core/metrics/groups.ts'
import { type Groups, groupNames } from '../../core/plan/groups.ts'
import type { RowGroups } from '../data/row-groups.ts'

/** The groups of a plan, and the fewest held-out rows of one that may leave the client as counts. */
export type GroupPolicy = { readonly groups: Groups; readonly minGroup: number }

/** What a model made of the held-out rows. */
export type Scored = {
  /** Probabilities, row-major rows × units; of a numeric label predictions as shares of its range. */
  readonly scores: ArrayLike<number>
  readonly labels: ArrayLike<number>
  /** 1 for a binary or a numeric label, the number of classes else. */
  readonly classes: number
  readonly numeric?: LabelRange | undefined
}

/** Counts of all rows. */
export function countAll({ scores, labels, classes, numeric }: Scored): EvaluationCounts {
  if (numeric !== undefined) return countNumeric(scores, labels, numeric)
  return classes === 1 ? countBinary(scores, labels) : countClasses(scores, labels, classes)
}

/** Counts of all rows, and of each group that has enough of them. */
export function countGroups(
  scored: Scored,
  rows: RowGroups,
  { groups: definitions, minGroup }: GroupPolicy,
): GroupedCounts {
  const counts = countAll(scored)
  const groups: GroupCounts[] = []
  const withheld: GroupId[] = []
  for (const [by, places] of Object.entries(rows.members)) {
    const definition = definitions[by]
    if (definition === undefined) continue
    const names = groupNames(definition)
    const rowsOf = names.map((_, place) => [...places.keys()].filter((row) => places[row] === place))
    const shown = shownGroups(
      rowsOf.map((members) => members.length),
      counts.rows,
      minGroup,
    )
    names.forEach((group, place) => {
      if (shown.has(place)) groups.push({ by, group, counts: countRows(scored, rowsOf[place] ?? []) })
      else withheld.push({ by, group })
    })
  }
  return { counts, groups, withheld, lacking: rows.lacking }
}

/**
 * The places of the groups that may be shown: those with at least `minGroup` rows. What all rows have beyond the shown groups can be
 * worked out from the counts, so where a group is held back and no more than a few rows are beyond them, the smallest of the shown
 * ones is held back with it (complementary suppression: Willenborg and de Waal, Elements of statistical disclosure control, 2001).
 */
export function shownGroups(sizes: readonly number[], rows: number, minGroup: number): ReadonlySet<number> {
  const shown = [...sizes.keys()].filter((place) => (sizes[place] as number) >= minGroup)
  const isHeldBack = sizes.some((size) => size > 0 && size < minGroup)
  shown.sort((a, b) => (sizes[b] as number) - (sizes[a] as number) || a - b)
  while (isHeldBack && shown.length > 0) {
    const beyond = rows - shown.reduce((sum, place) => sum + (sizes[place] as number), 0)
    if (beyond >= minGroup) break
    shown.pop()
  }
  return new Set(shown)
}

function countRows({ scores, labels, classes, numeric }: Scored, rows: readonly number[]): EvaluationCounts {
  const own = rows.map((row) => labels[row] as number)
  if (classes === 1) {
    const single = rows.map((row) => scores[row] as number)
    return numeric === undefined ? countBinary(single, own, GROUP_BINS) : countNumeric(single, own, numeric, GROUP_BINS)
  }
  const chosen = rows.flatMap((row) => Array.from({ length: classes }, (_, k) => scores[row * classes + k] as number))
  return countClasses(chosen, own, classes)
}
