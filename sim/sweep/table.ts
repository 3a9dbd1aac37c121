import { ParleyError } from '../../core/errors/index.ts'
import type { SweepRow, SweepTable } from '../report/sweep-table.ts'
import { type Axis, labelOf, labelsOf } from './axes.ts'
import { type Cell, type Group, groupScore, reasonOf, type SweepCell, sweepCell } from './cells.ts'
import type { Sweep } from './definition.ts'
import type { Goal } from './metric.ts'

/** Rows stand in the order in which the points were asked for. */
export type PointTable = SweepTable

/** A point with its score: `worst` is the value of the axis over which the worst counts that made it so. */
export type PointRow = SweepRow

export type SweepResult = {
  readonly table: PointTable
  /** Every simulation, or why there was none. */
  readonly cells: readonly SweepCell[]
  readonly best: PointRow
  readonly worst: PointRow
}

/** What the points come to. Throws the first reason where none of them has a score. */
export function sweepResult(sweep: Sweep, groups: readonly Group[]): SweepResult {
  const axes = sweep.axes.filter(({ name }) => name !== sweep.worstOver)
  const rows = groups.map((group) => rowOf(sweep, axes, group))
  const cells = groups.flatMap(({ cases }) => cases.flatMap((one) => one.cells))
  const scored = rows.filter(({ score }) => score !== null).sort(byScore(sweep.goal))
  const [best, worst] = [scored[0], scored.at(-1)]
  if (best === undefined || worst === undefined) throw nothingScored(sweep, cells)
  const { goal, description } = sweep
  return {
    table: {
      metric: metricWords(sweep),
      better: goal === 'max' ? 'higher' : 'lower',
      ...(description === undefined ? {} : { description }),
      axes: axes.map((axis, i) => ({
        name: axis.name,
        values: valuesOf(
          axis,
          groups.map(({ point }) => point[i] as number),
        ),
      })),
      rows,
    },
    cells: cells.map((cell) => sweepCell(sweep, cell)),
    best,
    worst,
  }
}

function rowOf(sweep: Sweep, axes: readonly Axis[], group: Group): PointRow {
  const { reason, ...score } = groupScore(sweep, group)
  const weights = group.cases[0]?.cells[0]?.weights
  return {
    values: labelsOf(axes, group.point),
    ...score,
    // Of several cases there is no first one that stands for all.
    ...(weights === undefined || group.cases.length > 1 ? {} : { weights }),
    ...(reason === undefined ? {} : { [score.score === null ? 'failure' : 'incomplete']: reason }),
  }
}

function byScore(goal: Goal): (a: PointRow, b: PointRow) => number {
  const sign = goal === 'max' ? -1 : 1
  return (a, b) => sign * ((a.score ?? 0) - (b.score ?? 0))
}

/** The values of an axis in their order; of a range those that were run. */
function valuesOf(axis: Axis, run: readonly number[]): string[] {
  if (axis.kind === 'choices') return axis.choices.map(({ label }) => label)
  return [...new Set(run)].sort((a, b) => a - b).map((value) => labelOf(axis, value))
}

/** The metric as a heading: `worst accuracy over world.attackers.attack`. */
function metricWords({ metric, at, worstOver }: Sweep): string {
  const name = at === 'best' ? `best ${metric}` : metric
  return worstOver === undefined ? name : `worst ${name} over ${worstOver}`
}

function nothingScored(sweep: Sweep, cells: readonly Cell[]): ParleyError {
  const [first] = cells
  const values = Object.entries(first?.values ?? {}).map(([name, value]) => `${name} = ${value}`)
  const reason = first === undefined ? 'there are no points' : reasonOf(sweep, first)
  return new ParleyError(
    first?.failure?.code ?? 'plan.invalid',
    `no point of the sweep has a score; of the first (${values.join(', ')}): ${reason}`,
  )
}
