import { ParleyError } from '../errors/index.ts'
import { GROUP_BINS, SCORE_BINS } from '../metrics/counts.ts'
import { defaultLimits } from '../wire/limits.ts'
import { looksProblems, probeProblems } from './check-holdout.ts'
import { labelProblems } from './check-label.ts'
import { dataEnds } from './data.ts'
import type { Gate } from './gates.ts'
import { groupNames, groupsOf } from './groups.ts'
import { cohortSize, type Plan } from './plan.ts'
import { unknownWord } from './words.ts'

/**
 * Throws `plan.invalid`, with the path of each, where gates and groups of a plan do not go together with the rest of it: a group
 * that is not declared, a column that no client could have, a metric that the plan's label does not have.
 */
export function checkGates(plan: Plan): void {
  const problems = [
    ...Object.keys(plan.evaluation.groups).flatMap((by) => groupProblems(plan, by)),
    ...sizeProblems(plan),
    ...trimProblems(plan),
    ...looksProblems(plan),
    ...labelProblems(plan),
    ...plan.gates.flatMap((gate, i) => gateProblems(plan, gate).map((problem) => `gates.${i}.${problem}`)),
  ]
  if (problems.length > 0) throw new ParleyError('plan.invalid', problems.join('; '))
}

function gateProblems(plan: Plan, gate: Gate): string[] {
  if ('size' in gate || 'latency' in gate) return []
  const problems: string[] = 'probe' in gate ? probeProblems(plan, gate) : []
  const groupBy = 'probe' in gate ? undefined : gate.groupBy
  const known = Object.keys(plan.evaluation.groups)
  if (groupBy !== undefined && !known.includes(groupBy)) {
    problems.push(`groupBy: ${unknownWord(groupBy, known, 'name of evaluation.groups')}`)
  } else if ('fairness' in gate && groupNames(definitionOf(plan, groupBy)).length < 2) {
    problems.push(`groupBy: ${groupBy} is one group, which has nothing to be compared with`)
  }
  return problems
}

function definitionOf({ evaluation }: Plan, by: string | undefined) {
  return evaluation.groups[by ?? ''] ?? { column: '', values: {} }
}

function groupProblems({ data, evaluation }: Plan, by: string): string[] {
  if (!('csv' in data)) return [`evaluation.groups.${by}: groups are made by columns of a table (data.csv)`]
  const column = evaluation.groups[by]?.column ?? ''
  if (data.csv.header || data.csv.columns.some(({ name }) => name === column)) return []
  const known = data.csv.columns.map(({ name }) => name)
  const why = 'without a header only the columns of data.csv.columns have names'
  return [`evaluation.groups.${by}.column: ${unknownWord(column, known, 'column')}; ${why}`]
}

function trimProblems(plan: Plan): string[] {
  const { trim } = plan.evaluation
  const clients = cohortSize(plan)
  if (2 * trim < clients) return []
  return [`evaluation.trim: without the ${trim} best and the ${trim} worst of ${clients} clients nobody is left`]
}

/** An evaluation of the candidate and of the version in use, with all groups, fits into what a client may sign. */
function sizeProblems(plan: Plan): string[] {
  const groups = groupsOf(plan.evaluation.groups)
  if (groups.length === 0) return []
  const { classes, numeric } = dataEnds(plan.data)
  const cells = (bins: number) => (numeric !== undefined ? bins : classes === 1 ? 2 * bins : classes * classes)
  const columns = Object.values(plan.evaluation.groups).map((one) => groupNames(one).length * cells(GROUP_BINS))
  const counts = [cells(SCORE_BINS), ...columns].reduce((sum, one) => sum + cellBytes(one), 0)
  const bytes = 2 * (counts + groups.length * HEAD_BYTES) + HEAD_BYTES
  if (bytes <= defaultLimits.evaluationBytes) return []
  const of = classes === 1 ? '' : ` of a label with ${classes} classes`
  return [
    `evaluation.groups: ${groups.length} groups${of} make evaluations of up to ${bytes} bytes, above ${defaultLimits.evaluationBytes}`,
  ]
}

/** Names, totals and punctuation of one set of counts. */
const HEAD_BYTES = 600

/**
 * Most characters of so many counts, separated by commas, that add up to no more rows than a client may report: as many digits as
 * the mean count has, since logarithms are concave.
 */
function cellBytes(cells: number): number {
  return Math.ceil(cells * (2 + Math.max(0, Math.log10(defaultLimits.evaluationRows / cells))))
}
