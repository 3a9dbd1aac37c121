import type { GroupCounts, GroupedCounts } from '../../core/metrics/groups.ts'
import type { RowGroups } from '../data/row-groups.ts'
import { countAll, countGroups, type GroupPolicy, type Scored } from './count-groups.ts'

/**
 * Counts of rows that nobody has to hide: those of groups with fewer than `minGroup` rows are left out for being too few to judge,
 * and no other group with them.
 */
export function countHoldout(
  scored: Scored,
  rows: RowGroups | undefined,
  { groups, minGroup }: GroupPolicy,
): GroupedCounts {
  if (rows === undefined) return { counts: countAll(scored), groups: [], withheld: [], lacking: [] }
  const counted = countGroups(scored, rows, { groups, minGroup: 1 })
  const small = ({ counts }: GroupCounts) => counts.rows < minGroup
  const few = counted.groups.filter(small).map(({ by, group }) => ({ by, group }))
  return {
    ...counted,
    groups: counted.groups.filter((one) => !small(one)),
    withheld: [...counted.withheld, ...few],
  }
}

/** Rows that are given another class by one model than by the other; as in counts, positive from 0.5 on, the first of equals. */
export function changedClasses(a: Scored, b: Scored): number {
  return Array.from({ length: a.labels.length }, (_, row) => row).filter((row) => classOf(a, row) !== classOf(b, row))
    .length
}

function classOf({ scores, classes }: Scored, row: number): number {
  if (classes === 1) return (scores[row] as number) >= 0.5 ? 1 : 0
  let given = 0
  for (let k = 1; k < classes; k++) {
    if ((scores[row * classes + k] as number) > (scores[row * classes + given] as number)) given = k
  }
  return given
}
