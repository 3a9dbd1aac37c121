import { ParleyError } from '../../core/errors/index.ts'
import type { GroupedCounts } from '../../core/metrics/groups.ts'
import type { Plan } from '../../core/plan/plan.ts'
import type { EvaluationReport } from '../../core/run/evaluation-report.ts'
import type { Trainer } from '../training/ports.ts'

export function hasGroups({ evaluation }: Plan): boolean {
  return Object.keys(evaluation.groups).length > 0
}

/** What a trainer counts for a plan. One that cannot tell groups apart lacks all of their columns. */
export async function countsOf(
  trainer: Trainer,
  plan: Plan,
  weights: Float32Array,
  signal: AbortSignal,
): Promise<GroupedCounts> {
  if (hasGroups(plan) && trainer.evaluateGroups !== undefined) return await trainer.evaluateGroups(weights, signal)
  const lacking = Object.entries(plan.evaluation.groups).map(([by, { column }]) => ({ by, column }))
  return { counts: await trainer.evaluate(weights, signal), groups: [], withheld: [], lacking }
}

/** What the client tells whoever runs it, where its data does not have the columns of all groups. */
export function lackingError({ lacking }: GroupedCounts): ParleyError | undefined {
  if (lacking.length === 0) return undefined
  const columns = lacking.map(({ by, column }) => `${column} (evaluation.groups.${by})`).join(', ')
  return new ParleyError('data.schema', `the data does not have the columns of all groups: ${columns}`, {
    details: { columns: lacking.map(({ column }) => column).join(', ') },
  })
}

/** The report on the models of a task, in their order. */
export function reportOf(
  head: Pick<EvaluationReport, 'run' | 'round' | 'client'>,
  models: readonly string[],
  counted: readonly GroupedCounts[],
  withGroups: boolean,
): EvaluationReport {
  const results = counted.map(({ counts, groups }, i) => ({
    model: models[i] ?? '',
    counts,
    ...(withGroups ? { groups } : {}),
  }))
  const [{ withheld, lacking } = { withheld: [], lacking: [] }] = counted
  // The types of what is signed are those of what is read, which are not read-only.
  return structuredClone({ v: 1, ...head, results, ...(withGroups ? { withheld, lacking } : {}) }) as EvaluationReport
}
