import type { SweepAxis, SweepRow, SweepTable } from '../sweep-table.ts'

/** Scores in the order of a sweep: which of two is better. */
export type Order = {
  readonly better: 'higher' | 'lower'
  /** Negative where `a` is better than `b`; what has no score comes last. */
  readonly compare: (a: number | null, b: number | null) => number
}

export function orderOf({ metric, better = /loss|error/i.test(metric) ? 'lower' : 'higher' }: SweepTable): Order {
  const sign = better === 'higher' ? -1 : 1
  return {
    better,
    compare: (a, b) => {
      if (a === null || b === null) return (a === null ? 1 : 0) - (b === null ? 1 : 0)
      return sign * (a - b)
    },
  }
}

/** Only scores that are numbers count. */
export function scoreOf({ score }: SweepRow): number | null {
  return score !== null && Number.isFinite(score) ? score : null
}

export function ranked(rows: readonly SweepRow[], { compare }: Order): SweepRow[] {
  return [...rows].sort((a, b) => compare(scoreOf(a), scoreOf(b)))
}

export function isAttackAxis({ name }: SweepAxis): boolean {
  return /attack(?!ers)/i.test(name)
}

export function isRuleAxis({ name }: SweepAxis): boolean {
  return /\b(rules?|aggregation|defen[cs]e)\b/i.test(name)
}

/** Axes along which something was varied. */
export function varied({ axes }: SweepTable): SweepAxis[] {
  return axes.filter(({ values }) => values.length > 1)
}

/** A key of a row by some of its axes. */
export function keyOf(row: Pick<SweepRow, 'values'>, axes: readonly SweepAxis[]): string {
  return JSON.stringify(axes.map(({ name }) => row.values[name] ?? ''))
}

/**
 * The sweep without one axis: of the rows that differ only there the worst. An attacker chooses its attack knowing the rule,
 * so the worst of the attacks is what a rule is worth. One without a score says nothing, unless all are without.
 */
export function worstOver(sweep: SweepTable, axis: SweepAxis): SweepTable {
  const axes = sweep.axes.filter(({ name }) => name !== axis.name)
  const { compare } = orderOf(sweep)
  const worst = new Map<string, SweepRow>()
  for (const row of sweep.rows) {
    const key = keyOf(row, axes)
    const known = worst.get(key)
    const score = scoreOf(row)
    if (known === undefined || (score !== null && (scoreOf(known) === null || compare(score, scoreOf(known)) > 0)))
      worst.set(key, row)
  }
  return { ...sweep, axes, rows: [...worst.values()] }
}

/** A grid of two axes, at one value of each of the others. */
export type Panel = {
  readonly fixed: Readonly<Record<string, string>>
  readonly rows: SweepAxis
  readonly columns: SweepAxis
  readonly at: (row: string, column: string) => SweepRow | undefined
}

/** Beyond so many heatmaps those of rules and attacks are too many to be compared. */
const FEW_PANELS = 6

/**
 * Rules down and attacks across where both were varied and that leaves few heatmaps; otherwise the two axes with the most
 * values, the longer one down.
 */
export function gridAxes(sweep: SweepTable): readonly [rows: SweepAxis, columns: SweepAxis] | undefined {
  const long = varied(sweep).sort((a, b) => b.values.length - a.values.length)
  const rule = long.find(isRuleAxis)
  const attack = long.find(isAttackAxis)
  if (rule !== undefined && attack !== undefined && panelsBeside(long, [rule, attack]) <= FEW_PANELS)
    return [rule, attack]
  const [first, second] = long
  if (first === undefined || second === undefined) return undefined
  return isAttackAxis(first) || isRuleAxis(second) ? [second, first] : [first, second]
}

function panelsBeside(axes: readonly SweepAxis[], grid: readonly SweepAxis[]): number {
  return axes.filter((axis) => !grid.includes(axis)).reduce((product, { values }) => product * values.length, 1)
}

export function panelsOf(sweep: SweepTable, [rows, columns]: readonly [SweepAxis, SweepAxis]): Panel[] {
  const others = varied(sweep).filter((axis) => axis !== rows && axis !== columns)
  const byPanel = new Map<string, Map<string, SweepRow>>()
  // Where a combination was tried twice, its better score is shown.
  for (const row of ranked(sweep.rows, orderOf(sweep))) {
    const key = keyOf(row, others)
    const cells = byPanel.get(key) ?? new Map<string, SweepRow>()
    const cell = keyOf(row, [rows, columns])
    if (!cells.has(cell)) cells.set(cell, row)
    byPanel.set(key, cells)
  }
  return combinations(others).flatMap((fixed) => {
    const cells = byPanel.get(keyOf({ values: fixed }, others))
    if (cells === undefined) return []
    const at = (row: string, column: string) => cells.get(JSON.stringify([row, column]))
    return { fixed, rows, columns, at }
  })
}

const MOST_COMBINATIONS = 10_000

/** Every combination of the axes' values, the last axis fastest. */
function combinations(axes: readonly SweepAxis[]): Record<string, string>[] {
  let list: Record<string, string>[] = [{}]
  for (const { name, values } of axes) {
    list = list.flatMap((one) => values.map((value) => ({ ...one, [name]: value }))).slice(0, MOST_COMBINATIONS)
  }
  return list
}
